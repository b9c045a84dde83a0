'use strict';

/* The end of one invocation's log, for who asked by x-amz-log-type: Tail. */

const MAX_BYTES = 4096;
const MIB = 1024 * 1024;

class LogTail {
  #exchange;
  #startedAt = performance.now();
  #text;

  constructor(exchange) {
    this.#exchange = exchange;
    this.#text = `START RequestId: ${exchange.requestId} Version: ${exchange.local.version}\n`;
    exchange.onOutput = (line) => this.#add(`${line}\n`);
  }

  /* A character has up to three bytes a code unit, so that this much text is always enough. */
  #add(text) {
    this.#text = (this.#text + text).slice(-MAX_BYTES);
  }

  #report() {
    const milliseconds = performance.now() - this.#startedAt;
    const memory = process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE;
    const used = Math.ceil(process.memoryUsage.rss() / MIB);
    const { initMs } = this.#exchange.local; /* AWS bills it, too */
    return [
      `REPORT RequestId: ${this.#exchange.requestId}`,
      `Duration: ${milliseconds.toFixed(2)} ms`,
      `Billed Duration: ${Math.ceil(milliseconds + initMs)} ms`,
      `Memory Size: ${memory} MB`,
      `Max Memory Used: ${used} MB`,
      ...(initMs > 0 ? [`Init Duration: ${initMs.toFixed(2)} ms`] : []),
      '\n',
    ].join('\t');
  }

  /* Once, with the answer: the last 4 KiB in base64. */
  finish() {
    this.#exchange.onOutput = null;
    this.#add(`END RequestId: ${this.#exchange.requestId}\n${this.#report()}`);
    return Buffer.from(this.#text, 'utf8').subarray(-MAX_BYTES).toString('base64');
  }
}

module.exports = { LogTail };
