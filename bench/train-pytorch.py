"""One training step of a Llama-like decoder in PyTorch, timed. Argument: the shape as JSON; prints seconds of each round."""
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

shape = json.loads(sys.argv[1])
torch.set_num_threads(shape["threads"])
torch.manual_seed(0)
width, heads, length = shape["width"], shape["heads"], shape["length"]
head = width // heads


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def rotate(x, cos, sin):
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat((-right, left), -1) * sin


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList([Norm(), Norm()])
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = (nn.Linear(width, shape["inner"], bias=False) for _ in range(2))
        self.down = nn.Linear(shape["inner"], width, bias=False)

    def forward(self, x, cos, sin, mask):
        rows = x.shape[0]
        normed = self.norms[0](x)
        q, k, v = (f(normed).view(rows, length, heads, head).transpose(1, 2) for f in (self.q, self.k, self.v))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if hasattr(F, "scaled_dot_product_attention"):
            seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            seen = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(head) + mask, -1) @ v
        x = x + self.o(seen.transpose(1, 2).reshape(rows, length, width))
        normed = self.norms[1](x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed))


embedding = nn.Embedding(shape["vocabulary"], width)
layers = nn.ModuleList([Layer() for _ in range(shape["layers"])])
final = Norm()
parameters = [*embedding.parameters(), *layers.parameters(), *final.parameters()]
optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.01)
angles = torch.outer(torch.arange(length).float(), 10000 ** (-torch.arange(0, head, 2).float() / head))
cos, sin = (torch.cat((f(angles), f(angles)), -1) for f in (torch.cos, torch.sin))
mask = torch.full((length, length), -1e9).triu(1)
ids = torch.randint(shape["vocabulary"], (shape["rows"], length))

seconds = []
for turn in range(4):
    began = time.perf_counter()
    x = embedding(ids)
    for layer in layers:
        x = layer(x, cos, sin, mask)
    logits = final(x[:, :-1]) @ embedding.weight.T
    loss = F.cross_entropy(logits.reshape(-1, shape["vocabulary"]), ids[:, 1:].reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    if turn > 0:
        seconds.append(time.perf_counter() - began)
print(json.dumps(seconds))
