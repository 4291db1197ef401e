/** Sound of the microphone as 16 bit numbers, 20 ms at a time, in the thread of the sound. */

declare const registerProcessor: (name: string, kind: unknown) => void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

const SAMPLES = 960; // 20 ms at 48 kHz

class SoundTaker extends AudioWorkletProcessor {
  #samples = new Int16Array(SAMPLES);
  #filled = 0;

  process(inputs: Float32Array[][]): boolean {
    for (const value of inputs[0]?.[0] ?? []) {
      this.#samples[this.#filled++] = Math.max(-1, Math.min(1, value)) * 32767;
      if (this.#filled < SAMPLES) continue;
      this.port.postMessage(this.#samples, [this.#samples.buffer]);
      this.#samples = new Int16Array(SAMPLES);
      this.#filled = 0;
    }
    return true;
  }
}

registerProcessor("sound-taker", SoundTaker);
