// The shapes that decoding is measured on: configurations as their checkpoints state them, without the weights.

const opt = {
  model_type: "opt",
  activation_function: "relu",
  do_layer_norm_before: true,
  max_position_embeddings: 2048,
  vocab_size: 50272,
  bos_token_id: 2,
  eos_token_id: 2,
  pad_token_id: 1,
  tie_word_embeddings: true,
};

/** The configuration of each shape by its name. */
export const shapes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "opt-125m": {
    ...opt,
    hidden_size: 768,
    word_embed_proj_dim: 768,
    ffn_dim: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
  },
  "opt-1.3b": {
    ...opt,
    hidden_size: 2048,
    word_embed_proj_dim: 2048,
    ffn_dim: 8192,
    num_hidden_layers: 24,
    num_attention_heads: 32,
  },
  "llama-1b": {
    model_type: "llama",
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 16,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    head_dim: 64,
    vocab_size: 128256,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    rope_theta: 500000,
    tie_word_embeddings: true,
  },
  /** Small enough to check the harness with. */
  "llama-small": {
    model_type: "llama",
    hidden_size: 288,
    intermediate_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 6,
    num_key_value_heads: 6,
    vocab_size: 32000,
    max_position_embeddings: 1024,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
  },
};
