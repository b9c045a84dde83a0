/* Stands in for https://slow-api.com: requests to it go to SLOW_API instead. */
const real = globalThis.fetch

globalThis.fetch = (input, init) =>
  real(String(input) === 'https://slow-api.com' ? process.env.SLOW_API! : input, init)
