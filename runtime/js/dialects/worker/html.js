'use strict';

/* HTMLRewriter: lol-html, which Cloudflare's own is too, as WebAssembly. The builder brings the
 * package html-rewriter-wasm along for workers that use it and says where it is
 * (settings.html_rewriter); it is loaded with the worker, so that forks share it. */

const { isResponse } = require('../../web');
const words = require('./words');

function toBytes(chunk) {
  return chunk instanceof Uint8Array ? chunk : new Uint8Array(chunk.buffer ?? chunk);
}

/* Of a token that a handler is called with: its rewriting, { failure }, and content that has yet to be read. */
const rewritings = new WeakMap();
const contents = new WeakMap();

const isStream = (content) => content instanceof ReadableStream || isResponse(content);

/* What is put beside or into a token: text, or what is told by a stream or a response's body. Then all that the handler
 * puts there afterwards waits, too, so that it stays in order. */
function takeContent(prototype, name) {
  const real = prototype[name];
  prototype[name] = { [name](content, options) {
    const before = contents.get(this);
    if (before === undefined && !isStream(content)) {
      real.call(this, String(content), options);
      return this;
    }
    const text = isStream(content) ? (isResponse(content) ? content : new Response(content)).text() : String(content);
    contents.set(this, Promise.all([text, before]).then(([known]) => {
      real.call(this, known, options);
    }));
    contents.get(this).catch(() => {});
    return this;
  } }[name];
}

/* The package reads what it is given as a text, whatever it is, and loses its memory's bounds over a number. */
function takeTexts(prototype, name) {
  const { value: real, set, ...flags } = Object.getOwnPropertyDescriptor(prototype, name);
  Object.defineProperty(prototype, name, set
    ? { ...flags, set(text) { set.call(this, String(text)); } }
    : { ...flags, value: { [name](...texts) { return real.apply(this, texts.map(String)); } }[name] });
}

function takeEndTag({ prototype }) {
  const real = prototype.onEndTag;
  prototype.onEndTag = function onEndTag(handler) {
    real.call(this, watched(rewritings.get(this), handler));
  };
}

let prepared = null;

/* Once: the package's classes take what those of Workers take. */
function prepareTokens(tokens) {
  if (prepared === tokens) {
    return;
  }
  prepared = tokens;
  const { Comment, DocumentEnd, Element, EndTag, TextChunk } = tokens;
  for (const { prototype } of [Comment, DocumentEnd, Element, EndTag, TextChunk]) {
    ['after', 'append', 'before', 'prepend', 'replace', 'setInnerContent'].filter((name) => Object.hasOwn(prototype, name))
      .forEach((name) => takeContent(prototype, name));
  }
  ['getAttribute', 'hasAttribute', 'removeAttribute', 'setAttribute', 'tagName'].forEach((name) => takeTexts(Element.prototype, name));
  takeTexts(Comment.prototype, 'text');
  takeTexts(EndTag.prototype, 'name');
  takeEndTag(Element);
}

/* A handler as the raw rewriter calls it. While that waits for a promise its memory is on hold, and a rejection would leave
 * it so: the failure is kept instead, and nothing more is done for the document. */
function watched(rewriting, handler, self = undefined) {
  return (token) => {
    if (rewriting.failure) {
      return undefined;
    }
    rewritings.set(token, rewriting);
    const result = handler.call(self, token);
    if (!(result instanceof Promise) && !contents.has(token)) {
      return undefined;
    }
    return Promise.resolve(result).then(() => contents.get(token)).catch((error) => {
      rewriting.failure = { error };
    });
  };
}

function watchedAll(rewriting, handlers) {
  const names = ['comments', 'doctype', 'element', 'end', 'text'].filter((name) => handlers[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, watched(rewriting, handlers[name], handlers)]));
}

/* The raw rewriter lives as long as its document, and keeps its own place while a handler waits. */
function transforming(RawRewriter, register, options) {
  const rewriting = { failure: null };
  let raw;
  let isFree = false;
  const free = () => {
    if (raw && !isFree) {
      isFree = true;
      raw.free();
    }
  };
  const step = async (work) => {
    try {
      await work();
    } catch (error) {
      free();
      throw error;
    }
    if (rewriting.failure) {
      free();
      throw rewriting.failure.error;
    }
  };
  return new TransformStream({
    start(controller) {
      /* An empty chunk says that the document has ended. */
      raw = new RawRewriter((chunk) => {
        if (chunk.length > 0 && !rewriting.failure) {
          controller.enqueue(chunk);
        }
      }, options);
      register(raw, rewriting);
    },
    transform: (chunk) => step(() => raw.write(toBytes(chunk))),
    async flush() {
      await step(() => raw.end());
      free();
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

function checkHandlers(method, position, handlers, type) {
  if (typeof handlers !== 'object' || handlers === null) {
    throw words.wrongArgument(method, 'HTMLRewriter', position, type);
  }
}

function define(RawRewriter, { enableEsiTags }) {
  return class HTMLRewriter {
    #registrations = [];

    on(selector, handlers) {
      checkHandlers('on', 2, handlers, 'ElementContentHandlers');
      checkSelector(RawRewriter, selector);
      this.#registrations.push((raw, rewriting) => raw.on(selector, watchedAll(rewriting, handlers)));
      return this;
    }

    onDocument(handlers) {
      checkHandlers('onDocument', 1, handlers, 'DocumentContentHandlers');
      this.#registrations.push((raw, rewriting) => raw.onDocument(watchedAll(rewriting, handlers)));
      return this;
    }

    transform(response) {
      if (!isResponse(response)) {
        throw new TypeError("Failed to execute 'transform' on 'HTMLRewriter': parameter 1 is not of type 'Response'.");
      }
      if (response.body === null) {
        return new Response(null, response);
      }
      const register = (raw, rewriting) => this.#registrations.forEach((add) => add(raw, rewriting));
      const stream = transforming(RawRewriter, register, { enableEsiTags });
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
  const tokens = require(path);
  const { HTMLRewriter: RawRewriter } = tokens;
  prepareTokens(tokens);
  const flags = spec.settings.compatibility_flags ?? [];
  const enableEsiTags = flags.includes('html_rewriter_treats_esi_include_as_void_tag');
  Object.defineProperty(globalThis, 'HTMLRewriter', {
    value: define(RawRewriter, { enableEsiTags }), writable: true, configurable: true, enumerable: false,
  });
}

module.exports = { install };
