/** A file that is read in pieces. */
export interface RandomAccessFile extends AsyncDisposable {
  /** Absolute path, symbolic links resolved; in the browser its URL. */
  readonly path: string;
  /** Bytes in the file. */
  readonly size: number;
  /** Exactly `length` bytes from `offset` on; throws `model/truncated` where the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What loading asks of a platform. Node reads the disk, the browser fetches by range. */
export interface Files {
  /** The file `name` of `folder`, or undefined where there is none. */
  open(folder: string, name: string): Promise<RandomAccessFile | undefined>;
}
