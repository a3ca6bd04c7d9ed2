/** How the hub is reached. Every default is the one that Hugging Face's own tools take from the environment. */
export interface HubOptions {
  /** A branch, tag or commit; `main` by default. */
  readonly revision?: string;
  /** Address of the hub: `HF_ENDPOINT`, or https://huggingface.co. */
  readonly endpoint?: string;
  /** Access token: `HF_TOKEN`, or none. */
  readonly token?: string;
  /** Folder of the cache: `HF_HUB_CACHE`, or `hub` in `HF_HOME`, or ~/.cache/huggingface/hub. */
  readonly cacheFolder?: string;
  /** How requests are made; the platform's `fetch` by default. */
  readonly fetch?: typeof fetch;
}

/** `name` or `owner/name`, as the hub allows them. */
export const isHubId = (path: string): boolean => /^[\w][\w.-]*(\/[\w][\w.-]*)?$/.test(path);
