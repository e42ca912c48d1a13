// The tensors of a small decoder-only transformer with grouped-query attention, sized to a number of bytes.

export interface PlannedTensor {
  readonly name: string;
  readonly dtype: 'BF16' | 'F32';
  readonly shape: readonly number[];
}

const LEAST_BYTES = 524_288;
const BF16_BYTES = 2;
/** Weights of one layer per hidden² : q, o, k/4, v/4, gate, up and down of four times the width. */
const LAYER_FACTOR = 14.5;

export function tensorBytes({ dtype, shape }: PlannedTensor): number {
  return shape.reduce((product, n) => product * n, dtype === 'F32' ? 4 : BF16_BYTES);
}

/** Layers take about seven tenths, the two vocabulary tables what is left. @throws RangeError below 512 KiB */
export function decoderTensors(totalBytes: number): PlannedTensor[] {
  if (!Number.isSafeInteger(totalBytes) || totalBytes < LEAST_BYTES) throw new RangeError(`a model has at least ${LEAST_BYTES} bytes`);
  const layersBudget = totalBytes * 0.7;
  const hidden = Math.min(8192, Math.max(64, Math.floor(Math.sqrt(layersBudget / (4 * LAYER_FACTOR * BF16_BYTES)) / 64) * 64));
  const layerBytes = layerTensors(0, hidden).reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const layers = Array.from({ length: Math.max(1, Math.floor(layersBudget / layerBytes)) }, (_, i) => layerTensors(i, hidden)).flat();
  const norm: PlannedTensor = { name: 'model.norm.weight', dtype: 'F32', shape: [hidden] };
  const used = [...layers, norm].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const table = (name: string): PlannedTensor => ({ name, dtype: 'BF16', shape: [Math.floor((totalBytes - used) / (2 * hidden * BF16_BYTES)), hidden] });
  return [table('model.embed_tokens.weight'), ...layers, norm, table('lm_head.weight')];
}

function layerTensors(layer: number, hidden: number): PlannedTensor[] {
  const matrix = (name: string, ...shape: number[]): PlannedTensor => ({ name: `model.layers.${layer}.${name}.weight`, dtype: 'BF16', shape });
  const norm = (name: string): PlannedTensor => ({ name: `model.layers.${layer}.${name}.weight`, dtype: 'F32', shape: [hidden] });
  return [
    norm('input_layernorm'),
    matrix('self_attn.q_proj', hidden, hidden),
    matrix('self_attn.k_proj', hidden / 4, hidden),
    matrix('self_attn.v_proj', hidden / 4, hidden),
    matrix('self_attn.o_proj', hidden, hidden),
    norm('post_attention_layernorm'),
    matrix('mlp.gate_proj', 4 * hidden, hidden),
    matrix('mlp.up_proj', 4 * hidden, hidden),
    matrix('mlp.down_proj', hidden, 4 * hidden),
  ];
}
