import { PostgradError } from "@postgrad/schema";

import { dataTypes } from "./data-type.ts";
import { unknownDimension } from "./dimension.ts";
import type { Attribute, FileRange, Graph, Initializer, Node, Value } from "./graph.ts";
import { ProtobufWriter } from "./protobuf.ts";

/** A graph in ONNX's own form. */
export interface OnnxModel {
  /** The serialized `ModelProto`. */
  readonly bytes: Uint8Array;
  /**
   * The folder of the files that the weights lie in, where there are such weights: give it to the session as
   * `session.model_external_initializers_file_folder_path`.
   */
  readonly folder?: string;
}

/** ONNX's numbers of the fields used here: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. */
const irVersion = 10;
const opset = 23;

/**
 * Writes `graph` as an ONNX model (opset 23, with the runtime's own operators). Initializers that lie in files are named as
 * external data, never read; all of them must lie in one folder.
 *
 * Throws `model/external-data` when the files lie in several folders, `model/too-large` past protobuf's limit of 2 GiB.
 */
export function toOnnx(graph: Graph): OnnxModel {
  const folder = commonFolder(graph);
  const model = new ProtobufWriter()
    .integer(1, irVersion)
    .bytes(2, "postgrad")
    .bytes(7, graphProto(graph))
    .bytes(8, new ProtobufWriter().bytes(1, "").integer(2, opset))
    .bytes(8, new ProtobufWriter().bytes(1, "com.microsoft").integer(2, 1));
  if (model.length >= 2 ** 31) {
    throw new PostgradError(
      "model/too-large",
      `the graph "${graph.name}" takes ${model.length} bytes and protobuf stops at 2 GiB: leave its weights in files`,
    );
  }
  const bytes = model.finish();
  return folder === undefined ? { bytes } : { bytes, folder };
}

function graphProto(graph: Graph): ProtobufWriter {
  const proto = new ProtobufWriter().bytes(2, graph.name);
  for (const node of graph.nodes) proto.bytes(1, nodeProto(node));
  for (const initializer of graph.initializers) proto.bytes(5, tensorProto(initializer));
  for (const value of graph.inputs) proto.bytes(11, valueProto(value));
  for (const value of graph.outputs) proto.bytes(12, valueProto(value));
  return proto;
}

function nodeProto({ op, domain, inputs, outputs, attributes }: Node): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const input of inputs) proto.bytes(1, input?.name ?? "");
  for (const output of outputs) proto.bytes(2, output.name);
  proto.bytes(3, outputs[0]!.name).bytes(4, op);
  for (const [name, attribute] of Object.entries(attributes)) {
    proto.bytes(5, attributeProto(name, attribute));
  }
  return domain === "" ? proto : proto.bytes(7, domain);
}

function attributeProto(name: string, attribute: Attribute): ProtobufWriter {
  const proto = new ProtobufWriter().bytes(1, name);
  if (typeof attribute === "number") return proto.integer(3, attribute).integer(20, 2);
  if (typeof attribute === "string") return proto.bytes(4, attribute).integer(20, 3);
  if ("float" in attribute) return proto.float(2, attribute.float).integer(20, 1);
  for (const item of attribute) proto.integer(8, item);
  return proto.integer(20, 7);
}

function tensorProto({ value, data }: Initializer): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const dimension of value.shape) proto.integer(1, Number(dimension));
  proto.integer(2, dataTypes[value.type].onnx).bytes(8, value.name);
  if (data instanceof Uint8Array) return proto.bytes(9, data);
  const entries = { location: fileName(data.path), offset: data.offset, length: data.length };
  for (const [key, entry] of Object.entries(entries)) {
    proto.bytes(13, new ProtobufWriter().bytes(1, key).bytes(2, String(entry)));
  }
  return proto.integer(14, 1);
}

function valueProto({ name, type, shape }: Value): ProtobufWriter {
  const dimensions = new ProtobufWriter();
  for (const dimension of shape) {
    const proto = new ProtobufWriter();
    if (typeof dimension === "number") proto.integer(1, dimension);
    else if (dimension !== unknownDimension) proto.bytes(2, dimension);
    dimensions.bytes(1, proto);
  }
  const tensor = new ProtobufWriter().integer(1, dataTypes[type].onnx).bytes(2, dimensions);
  return new ProtobufWriter().bytes(1, name).bytes(2, new ProtobufWriter().bytes(1, tensor));
}

function commonFolder({ name, initializers }: Graph): string | undefined {
  const ranges = initializers.flatMap(({ data }) => (data instanceof Uint8Array ? [] : [data]));
  const folders = [...new Set(ranges.map(folderOf))];
  if (folders.length < 2) return folders[0];
  throw new PostgradError(
    "model/external-data",
    `the weights of the graph "${name}" lie in ${folders.length} folders (${folders.join(", ")}); the runtime maps files ` +
      "of one folder only: copy them into one, or give the small ones as bytes",
  );
}

const folderOf = ({ path }: FileRange): string =>
  path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"), 0)) || "/";
const fileName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
