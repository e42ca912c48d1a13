import * as opaSdk from '@open-policy-agent/opa-wasm';
import { PolicyError } from './errors.js';

/** What we use of an instance of the SDK (1.10.0). */
interface LoadedPolicy {
  readonly entrypoints: Readonly<Record<string, number>>;
  readonly mem: { readonly buffer: ArrayBuffer };
  setData(data: ArrayBuffer): void;
  evaluate(input: ArrayBuffer, entrypoint: string): unknown;
}

type WasmModule = object;

// The SDK's declarations leave out its default export, and the compiler's libraries here leave out WebAssembly.
const sdk = (opaSdk as unknown as { default: { loadPolicySync(module: WasmModule, memory: object): LoadedPolicy } }).default;
const { Module } = (globalThis as unknown as { WebAssembly: { Module: WasmModuleConstructor } }).WebAssembly;

interface WasmModuleConstructor {
  new (bytes: Uint8Array): WasmModule;
  exports(module: WasmModule): readonly { readonly name: string }[];
}

const PAGE_BYTES = 65_536;
const INITIAL_PAGES = 5;
const REQUIRED_EXPORTS = ['opa_wasm_abi_version', 'opa_wasm_abi_minor_version', 'opa_eval', 'opa_malloc', 'opa_json_parse'];

/**
 * One compiled module and the instance in use. The SDK's instance is synchronous and not re-entrant; memory of an instance
 * only ever grows, so an instance that threw, or grew by more than `spareMaxPages`, is thrown away and a new one made from
 * the compiled module (about half a millisecond).
 */
export class WasmPolicy {
  readonly #module: WasmModule;
  #instance: LoadedPolicy | undefined;
  #baselinePages = 0;

  /** @throws PolicyError `policy-wasm-invalid` when the bytes are no policy, or data does not fit the memory allowed. */
  constructor(
    wasm: Uint8Array,
    private readonly dataBytes: Uint8Array,
    private readonly maxMemoryPages: number,
    private readonly spareMaxPages: number,
    entrypoints: readonly string[],
  ) {
    try {
      this.#module = new Module(new Uint8Array(wasm));
      // Asked before the SDK is, which only warns of a module that is no policy and then carries on.
      const exported = new Set(Module.exports(this.#module).map(({ name }) => name));
      for (const name of REQUIRED_EXPORTS) if (!exported.has(name)) throw new TypeError(`no export ${name}`);
      const present = this.#current().entrypoints;
      for (const entrypoint of entrypoints) {
        if (!Object.hasOwn(present, entrypoint)) throw new TypeError(`no entrypoint ${entrypoint}`);
      }
    } catch (cause) {
      throw new PolicyError('policy-wasm-invalid', 'the WASM is not a policy with the entrypoints needed', { cause });
    }
  }

  /**
   * The raw result set for JSON bytes we wrote ourselves: the SDK drops falsy values and re-serialises others.
   * @throws whatever the SDK throws (strings and plain objects included).
   */
  evaluate(entrypoint: string, inputBytes: Uint8Array): unknown {
    const instance = this.#current();
    let settled = false;
    try {
      const result: unknown = instance.evaluate(toArrayBuffer(inputBytes), entrypoint);
      settled = pagesOf(instance) - this.#baselinePages <= this.spareMaxPages;
      return result;
    } finally {
      if (!settled) this.#instance = undefined;
    }
  }

  /** Pages of 64 KiB now held by the instance in use; 0 when the next evaluation makes a new one. */
  get memoryPages(): number {
    return this.#instance === undefined ? 0 : pagesOf(this.#instance);
  }

  #current(): LoadedPolicy {
    if (this.#instance !== undefined) return this.#instance;
    const instance = sdk.loadPolicySync(this.#module, { initial: INITIAL_PAGES, maximum: this.maxMemoryPages });
    instance.setData(toArrayBuffer(this.dataBytes));
    this.#baselinePages = pagesOf(instance);
    this.#instance = instance;
    return instance;
  }
}

/** A buffer of exactly these bytes: the SDK takes the whole buffer, whatever the view over it says. */
function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}

function pagesOf(instance: LoadedPolicy): number {
  return instance.mem.buffer.byteLength / PAGE_BYTES;
}
