'use strict';

/* What Workers know of a request beyond the standard: request.cf, the CF-* headers, headers that
 * cannot be changed, and redirects left to the client. Also the Request constructor with the members that only Workers
 * have. */

const { requestOf } = require('../../web');
const { LightHeaders, wrap } = require('../../web_headers');
const { makeStamp } = require('../../web_stamp');
const { toText } = require('./header_text');
const { checkUrl, requestInit } = require('./init');
const responses = require('./response');
const words = require('./words');

const INTERNAL = 'x-mayfly-';

/* Where wrangler dev says that everybody is, when it cannot ask. */
const PLACE = {
  colo: 'DFW', city: 'Austin', region: 'Texas', regionCode: 'TX', metroCode: '635',
  postalCode: '78701', country: 'US', continent: 'NA', timezone: 'America/Chicago',
  latitude: '30.27130', longitude: '-97.74260', asn: 395747, asOrganization: '',
};

const NO_CERTIFICATE = Object.freeze({
  certPresented: '0', certVerified: 'NONE', certRevoked: '0', certIssuerDN: '', certSubjectDN: '',
  certIssuerDNRFC2253: '', certSubjectDNRFC2253: '', certIssuerDNLegacy: '',
  certSubjectDNLegacy: '', certSerial: '', certIssuerSerial: '', certSKI: '', certIssuerSKI: '',
  certFingerprintSHA1: '', certFingerprintSHA256: '', certNotBefore: '', certNotAfter: '',
  certRFC9440: '', certRFC9440TooLarge: false, certChainRFC9440: '', certChainRFC9440TooLarge: false,
});

/* Of requests that came from outside: { exchange, cf, headers }, the latter two made when asked for. */
const Incoming = makeStamp();
/* The cf option of requests that the worker made. */
const outgoing = new WeakMap();
/* But `duplex`, which undici reads of a Request that is the init of another. */
const BROWSERS_ONLY = [
  'credentials', 'destination', 'isHistoryNavigation', 'isReloadNavigation', 'mode', 'referrer', 'referrerPolicy',
];

function isLoopback(address) {
  return /^(?:127\.|::1$|::ffff:127\.)/.test(address ?? '');
}

function rayId(exchange) {
  const digits = exchange.requestId.replace(/[^0-9a-f]/gi, '').toLowerCase().padStart(16, '0');
  return `${digits.slice(-16)}-${PLACE.colo}`;
}

/* Replaces what the client said of itself, except a client on this machine (a test, a proxy of
 * the user's), and takes out what other instances say to this runtime. Returns the latter. */
function prepareHeaders(exchange) {
  const raw = exchange.rawHeaders;
  const trusted = isLoopback(exchange.remoteAddress);
  const said = { acceptEncoding: '', country: PLACE.country };
  const internal = {};
  const kept = [];
  let isAddressKnown = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i];
    if (name.startsWith(INTERNAL)) {
      internal[name.slice(INTERNAL.length)] = toText(raw[i + 1]);
    } else if (name === 'accept-encoding') {
      said.acceptEncoding = raw[i + 1];
    } else if (name === 'cf-ipcountry' && trusted) {
      said.country = raw[i + 1];
    } else if (name === 'cf-connecting-ip' && trusted) {
      isAddressKnown = true;
      kept.push(name, raw[i + 1]);
    } else if (!name.startsWith('cf-') || (trusted && name !== 'cf-ray')) {
      kept.push(name, raw[i + 1]);
    }
  }
  kept.push('accept-encoding', 'br, gzip', 'cf-ipcountry', said.country, 'cf-ray', rayId(exchange));
  if (!isAddressKnown) {
    kept.push('cf-connecting-ip', exchange.remoteAddress);
  }
  raw.splice(0, raw.length, ...kept);
  return { said, internal };
}

function makeCf(said) {
  return deepFreeze({
    ...PLACE,
    country: said.country,
    clientTcpRtt: 0,
    clientAcceptEncoding: said.acceptEncoding,
    httpProtocol: 'HTTP/1.1',
    requestPriority: 'weight=192;exclusive=0',
    tlsCipher: 'AEAD-AES128-GCM-SHA256',
    tlsVersion: 'TLSv1.3',
    tlsClientAuth: { ...NO_CERTIFICATE },
    edgeRequestKeepAliveStatus: 0,
    clientTrustScore: 99,
    botManagement: {
      corporateProxy: false, verifiedBot: false, ja3Hash: '25b4882c2bcb50cd6b469ff28c596742', staticResource: false,
      detectionIds: [], score: 99,
    },
  });
}

function deepFreeze(object) {
  for (const value of Object.values(object)) {
    if (typeof value === 'object' && value !== null) {
      deepFreeze(value);
    }
  }
  return Object.freeze(object);
}

/* The Request of an exchange, and the words of the runtime that sent it, if one did. */
function incomingRequest(exchange) {
  const { said, internal } = prepareHeaders(exchange);
  const request = requestOf(exchange);
  Incoming.put(request, { exchange, said, cf: undefined, headers: undefined });
  return { request, internal };
}

function cfOf(request) {
  const state = Incoming.find(request);
  if (!state) {
    return outgoing.get(request);
  }
  return (state.cf ??= makeCf(state.said));
}

/* A copy of a request that came in still leaves redirects to the client. */
function initFor(input, init) {
  const checked = requestInit(init);
  const inherits = Incoming.find(input) !== undefined && (checked === undefined || checked === null || checked.redirect === undefined);
  return inherits ? { ...checked, redirect: 'manual' } : checked;
}

function rememberCf(request, input, init) {
  const cf = init?.cf ?? (input instanceof globalThis.Request ? cfOf(input) : undefined);
  if (cf !== undefined) {
    outgoing.set(request, cf);
  }
  return request;
}

/* A user and a password of a URL are not sent; Node.js refuses them. */
function withoutCredentials(input) {
  if (input instanceof globalThis.Request || !String(input).includes('@') || !URL.canParse(String(input))) {
    return input;
  }
  return Object.assign(new URL(String(input)), { username: '', password: '' });
}

/** The body that fetch or a Request is given. */
function bodyOf(input, init) {
  return init?.body ?? (input instanceof globalThis.Request ? input.body : null);
}

function installRequest() {
  const Base = globalThis.Request;
  function Request(input, init) {
    if (new.target === undefined) {
      throw words.notCallable('Request');
    }
    if (arguments.length === 0) {
      throw new TypeError("Failed to construct 'Request': constructor parameter 1 is not of type 'Request or string'.");
    }
    const target = new.target === Request ? Base : new.target;
    checkUrl(input);
    try {
      const length = responses.lengthOf(bodyOf(input, init));
      const made = Reflect.construct(Base, [withoutCredentials(input), initFor(input, init)], target);
      responses.noteLength(made.body, length);
      return rememberCf(made, input, init);
    } catch (error) {
      throw words.reword(error, Request);
    }
  }
  words.replaceClass('Request', Request, Base);
  /* What only browsers know of a request. */
  for (const name of BROWSERS_ONLY) {
    delete Base.prototype[name];
  }
  const { prototype } = Base;
  const headers = Object.getOwnPropertyDescriptor(prototype, 'headers');
  const body = Object.getOwnPropertyDescriptor(prototype, 'body');
  const redirect = Object.getOwnPropertyDescriptor(prototype, 'redirect');
  const { clone } = prototype;
  const cache = Object.getOwnPropertyDescriptor(prototype, 'cache');
  Object.defineProperties(prototype, {
    /* Only what was asked for; undici has a default. */
    cache: {
      ...cache,
      get() {
        const mode = cache.get.call(this);
        return mode === 'default' ? undefined : mode;
      },
    },
    fetcher: { configurable: true, enumerable: true, get: () => null },
    cf: {
      configurable: true, enumerable: true,
      get() {
        return cfOf(this);
      },
    },
    headers: {
      ...headers,
      get() {
        const state = Incoming.find(this);
        return state ? (state.headers ??= frozenHeaders(state.exchange)) : headers.get.call(this);
      },
    },
    body: {
      ...body,
      get() {
        const stream = body.get.call(this);
        const length = stream && Incoming.find(this)?.exchange.headers['content-length'];
        if (length) {
          responses.noteLength(stream, length);
        }
        return stream;
      },
    },
    redirect: {
      ...redirect,
      get() {
        return Incoming.find(this) !== undefined ? 'manual' : redirect.get.call(this);
      },
    },
    clone: {
      configurable: true, enumerable: true, writable: true,
      value: { clone() {
        const copy = clone.call(this);
        if (Incoming.find(this) !== undefined) {
          Incoming.put(copy, Incoming.find(this));
        }
        return rememberCf(copy, this);
      } }.clone,
    },
  });
}

function frozenHeaders(exchange) {
  return wrap(new LightHeaders(exchange.rawHeaders, { borrowed: true, immutable: true }));
}

function getAll(name) {
  if (String(name).toLowerCase() !== 'set-cookie') {
    throw new TypeError('getAll() can only be used with the header name "Set-Cookie".');
  }
  return this.getSetCookie();
}

/* In the function's zygote, before its module loads. */
function install() {
  installRequest();
  responses.install();
  Object.defineProperty(Headers.prototype, 'getAll', {
    value: getAll, writable: true, configurable: true, enumerable: true,
  });
}

module.exports = {
  bodyOf,
  cfOf,
  exchangeOf: (request) => Incoming.find(request)?.exchange,
  incomingRequest,
  install,
  initFor,
  withoutCredentials,
};
