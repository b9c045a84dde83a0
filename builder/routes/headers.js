/* Headers that the project's files give to answers, as far as HTTP can carry them. */

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; /* RFC 9110, 5.1 */
const NOT_IN_VALUES = /[\0-\x08\x0a-\x1f\x7f]/; /* RFC 9110, 5.5 */

/** The route without what cannot be sent, which is told. */
export function withSendableHeaders(route, diagnostics) {
  const isSendable = ([name, value]) => NAME.test(name) && typeof value === 'string' && !NOT_IN_VALUES.test(value);
  const all = Object.entries(route.headers ?? {});
  const good = all.filter(isSendable);
  if (good.length === all.length) {
    return route;
  }
  for (const [name] of all.filter((entry) => !isSendable(entry))) {
    const fault = NAME.test(name) ? 'its value must be text on one line' : 'that is no name of a header';
    diagnostics.warn(`the header ${JSON.stringify(name)} of ${route.path ?? route.src} cannot be sent: ${fault}. It is left out`);
  }
  return { ...route, headers: Object.fromEntries(good) };
}
