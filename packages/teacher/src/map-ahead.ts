/**
 * Maps a stream with up to `ahead` items under way, in the order of the source. The source is pulled no further than that
 * ahead of the consumer. When `work` or the source throws, the error is thrown in its place in the order, after what is under
 * way has ended (it may be paid for).
 */
export async function* mapAhead<In, Out>(
  source: AsyncIterable<In> | Iterable<In>,
  ahead: number,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<Out> {
  const items =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const queue: Promise<Out>[] = [];
  let pulling: Promise<void> | undefined;
  let isDone = false;

  const pull = async (): Promise<void> => {
    try {
      const { done, value } = await items.next();
      if (done) isDone = true;
      else queue.push(started(work(value)));
    } catch (error) {
      isDone = true;
      queue.push(started(Promise.reject(error as Error)));
    }
    pulling = undefined;
  };

  try {
    for (;;) {
      if (!isDone && !pulling && queue.length < ahead) pulling = pull();
      const [head] = queue;
      if (head && (isDone || queue.length >= ahead || (await isFirst(head, pulling)))) {
        yield await head;
        void queue.shift();
      } else if (pulling) await pulling;
      else if (isDone && queue.length === 0) return;
    }
  } finally {
    isDone = true;
    await Promise.allSettled([...queue, pulling]);
    await items.return?.();
  }
}

/** A rejection is looked at when its turn comes; until then it is nobody's fault that nobody looks. */
function started<Out>(work: Promise<Out>): Promise<Out> {
  work.catch(() => {});
  return work;
}

/** Whether `head` settles before the next item is pulled. */
async function isFirst(
  head: Promise<unknown>,
  pulling: Promise<void> | undefined,
): Promise<boolean> {
  if (!pulling) return true;
  const settled = head.then(
    () => true,
    () => true,
  );
  return Promise.race([settled, pulling.then(() => false)]);
}
