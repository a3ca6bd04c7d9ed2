import { PostgradError } from "@postgrad/schema";

/** Tells whether `error` is the operating system's, with this code. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** What went wrong with a file, as a person would say it; what is no error of the operating system comes back as it is. */
export function fileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof PostgradError || !("code" in error))
    return error;
  switch (error.code) {
    case "ENOENT":
      return new PostgradError("dataset/missing", `${path}: there is no such file or folder`, {
        cause: error,
      });
    case "EACCES":
    case "EPERM":
      return new PostgradError("dataset/no-permission", `${path}: permission denied`, {
        cause: error,
      });
    case "ENOSPC":
    case "EDQUOT":
      return new PostgradError("dataset/disk-full", `${path}: the disk is full`, {
        fault: "system",
        cause: error,
      });
    default:
      return new PostgradError("dataset/file", `${path}: ${error.message}`, {
        fault: "system",
        cause: error,
      });
  }
}
