'use strict';

/* HTMLRewriter: lol-html, which Cloudflare's own is too, as WebAssembly. The builder brings the
 * package html-rewriter-wasm along for workers that use it and says where it is
 * (settings.html_rewriter); it is loaded with the worker, so that forks share it. */

const { isResponse } = require('../../web');

function toBytes(chunk) {
  return chunk instanceof Uint8Array ? chunk : new Uint8Array(chunk.buffer ?? chunk);
}

/* The raw rewriter lives as long as its document, and keeps its own place while a handler waits. */
function rewriting(RawRewriter, register, options) {
  let raw;
  let isFree = false;
  const free = () => {
    if (raw && !isFree) {
      isFree = true;
      raw.free();
    }
  };
  return new TransformStream({
    start(controller) {
      /* An empty chunk says that the document has ended. */
      raw = new RawRewriter((chunk) => {
        if (chunk.length > 0) {
          controller.enqueue(chunk);
        }
      }, options);
      register(raw);
    },
    async transform(chunk) {
      try {
        await raw.write(toBytes(chunk));
      } catch (error) {
        free();
        throw error;
      }
    },
    async flush() {
      try {
        await raw.end();
      } finally {
        free();
      }
    },
    cancel: free,
  });
}

/* A selector is checked when it is given, not when a document comes. */
function checkSelector(RawRewriter, selector) {
  const raw = new RawRewriter(() => {});
  try {
    raw.on(selector, {});
  } catch (error) {
    throw new TypeError(error?.message ?? String(error));
  } finally {
    raw.free();
  }
}

function define(RawRewriter, { enableEsiTags }) {
  return class HTMLRewriter {
    #registrations = [];

    on(selector, handlers) {
      checkSelector(RawRewriter, selector);
      this.#registrations.push((raw) => raw.on(selector, handlers));
      return this;
    }

    onDocument(handlers) {
      this.#registrations.push((raw) => raw.onDocument(handlers));
      return this;
    }

    transform(response) {
      if (!isResponse(response)) {
        throw new TypeError("Failed to execute 'transform' on 'HTMLRewriter': parameter 1 is not of type 'Response'.");
      }
      if (response.body === null) {
        return new Response(null, response);
      }
      const register = (raw) => this.#registrations.forEach((add) => add(raw));
      const stream = rewriting(RawRewriter, register, { enableEsiTags });
      const headers = new Headers(response.headers);
      headers.delete('content-length');
      return new Response(response.body.pipeThrough(stream), {
        status: response.status, statusText: response.statusText, headers,
      });
    }
  };
}

/* Before the worker's module loads. */
function install(spec) {
  const path = spec.settings?.html_rewriter;
  if (!path) {
    return;
  }
  const { HTMLRewriter: RawRewriter } = require(path);
  const flags = spec.settings.compatibility_flags ?? [];
  const enableEsiTags = flags.includes('html_rewriter_treats_esi_include_as_void_tag');
  Object.defineProperty(globalThis, 'HTMLRewriter', {
    value: define(RawRewriter, { enableEsiTags }), writable: true, configurable: true, enumerable: false,
  });
}

module.exports = { install };
