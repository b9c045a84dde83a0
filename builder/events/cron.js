/* Whether a schedule is one, in the words of its platform, which differ: Cloudflare and AWS count weekdays from 1 for
 * Sunday, the others from 0. Control works out the times (src/control/events); here mistakes are found while their file
 * is still known. */

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const SHORTHANDS = ['@yearly', '@monthly', '@weekly', '@daily', '@hourly']; /* Netlify's: neither @annually nor @reboot */
const UNITS = { minute: 'minutes', hour: 'hours', day: 'days' };

const MINUTE = { name: 'minute', min: 0, max: 59 };
const HOUR = { name: 'hour', min: 0, max: 23 };
const DAY = { name: 'day of the month', min: 1, max: 31 };
const MONTH = { name: 'month', min: 1, max: 12 };
const YEAR = { name: 'year', min: 1970, max: 2199 };
const named = (field, names, first) => ({ ...field, names: new Map(names.map((name, i) => [name, i + first])) });
/** `6L` and `6#3`, in the numbers from `first` on. */
const weekday = (first) => `0*([${first}-7]|${DAYS.join('|')})(L|#0*[1-5])`;

const VERCEL = { fields: [MINUTE, HOUR, DAY, MONTH, { name: 'day of the week', min: 0, max: 6 }], starsInLists: true };
/** Netlify's CLI uses cron-parser, which knows L and #. */
const NETLIFY_WEEKDAY = {
  ...named({ name: 'day of the week', min: 0, max: 7 }, DAYS, 0), special: new RegExp(`^${weekday(0)}$`, 'i'),
};
const NETLIFY = {
  fields: [MINUTE, HOUR, { ...DAY, special: /^L$/i }, named(MONTH, MONTHS, 1), NETLIFY_WEEKDAY],
  question: true, starsInLists: true, specialsInLists: true,
};
/** L, W and # as Quartz has them. */
const QUARTZ_DAY = { ...DAY, special: /^(L(-0*([1-9]|[12]\d|30))?W?|0*([1-9]|[12]\d|3[01])W)$/i };
const QUARTZ_WEEKDAY = {
  ...named({ name: 'day of the week', min: 1, max: 7 }, DAYS, 1), special: new RegExp(`^(L|${weekday(1)})$`, 'i'),
};
const QUARTZ = { fields: [MINUTE, HOUR, QUARTZ_DAY, named(MONTH, MONTHS, 1), QUARTZ_WEEKDAY], wraps: true, boundedSteps: true };
const WORKER = { ...QUARTZ, innerSteps: true };
const AWS = { ...QUARTZ, fields: [...QUARTZ.fields, YEAR] };

/** @returns {string|null} what is wrong with one field */
function faultOfField(text, field, dialect) {
  const parts = text.split(',');
  const alone = parts.length === 1;
  const wrong = parts.find((part) => !isSpecial(part, field, dialect, alone) && !isItem(part, field, dialect, alone));
  return wrong === undefined ? null : `${field.name} "${wrong}" is not within ${field.min}-${field.max}`;
}

/** Quartz has them alone in their field; cron-parser all but # in lists, too. */
function isSpecial(part, field, { specialsInLists }, alone) {
  const isAllowed = alone || (specialsInLists && !part.includes('#'));
  return Boolean(isAllowed && field.special?.test(part));
}

/** One part of a list: `*`, `5`, `1-5`, each perhaps with a step. */
function isItem(part, field, { question, starsInLists, wraps, boundedSteps, innerSteps }, alone) {
  const match = /^(?:([*?])|([a-z]+|\d{1,9})(?:-([a-z]+|\d{1,9}))?)(?:\/(\d{1,9}))?$/i.exec(part);
  const [, star, first, last, step] = match ?? [];
  if (!match || (star === '?' && !question) || (star && !step && !alone && !starsInLists)) {
    return false;
  }
  const [from, to] = [first, last].map((value) => numberOf(value, field));
  const isBackwards = from > to && (!wraps || field === YEAR);
  const longest = boundedSteps ? field.max - (innerSteps ? field.min : 0) : Infinity;
  return !Number.isNaN(from) && !Number.isNaN(to) && !isBackwards && (step === undefined || (step >= 1 && step <= longest));
}

/** undefined for what is not there, NaN for what is no such number */
function numberOf(text, field) {
  if (text === undefined) {
    return undefined;
  }
  const value = field.names?.get(text.toUpperCase()) ?? (/^\d+$/.test(text) ? Number(text) : NaN);
  return value >= field.min && value <= field.max ? value : NaN;
}

function faultOfFields(text, dialect) {
  const { fields } = dialect;
  const parts = text.trim().split(/\s+/);
  if (parts.length !== fields.length) {
    const names = fields.map(({ name }) => name).join(', ');
    return `has ${parts.length} ${parts.length === 1 ? 'field' : 'fields'} and needs ${fields.length}: ${names}`;
  }
  return parts.map((part, i) => faultOfField(part, fields[i], dialect)).find(Boolean) ?? null;
}

const told = (expression, fault) => fault && `the schedule ${JSON.stringify(expression)} ${fault}`;

/** @returns {string|null} */
export function faultOfVercel(expression) {
  const fault = faultOfFields(expression, VERCEL);
  const [, , day, , weekday] = expression.trim().split(/\s+/);
  const both = !fault && day !== '*' && weekday !== '*';
  return told(
    expression,
    fault ?? (both ? 'sets the day of the month and that of the week: one of them must be *' : null),
  );
}

export function faultOfNetlify(expression) {
  if (expression.startsWith('@')) {
    return SHORTHANDS.includes(expression) ? null : told(expression, `is none of ${SHORTHANDS.slice(0, -1).join(', ')} and ${SHORTHANDS.at(-1)}`);
  }
  return told(expression, faultOfFields(expression, NETLIFY));
}

export function faultOfWorker(expression) {
  return told(expression, faultOfFields(expression, WORKER));
}

/**
 * rate(5 minutes), cron(0 2 * * ? *), at(2030-01-01T00:00:00)
 * @param {boolean} isRule of EventBridge, which knows no at() and takes the unit only in the number of its count; of
 *   the Scheduler otherwise
 */
export function faultOfAws(expression, isRule) {
  const [, kind, text] = /^(rate|cron|at)\((.*)\)$/.exec(expression) ?? [];
  if (kind === 'rate') {
    return told(expression, faultOfRate(text, isRule));
  }
  if (kind === 'cron') {
    return told(expression, faultOfAwsCron(text));
  }
  if (kind === 'at' && isRule) {
    return told(expression, 'is for schedules of EventBridge Scheduler: a rule takes cron(...) and rate(...)');
  }
  const isTime = kind === 'at' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
  if (kind === 'at') {
    return isTime ? null : told(expression, 'needs a date and a time, as in at(2026-12-24T18:00:00)');
  }
  return told(expression, `is none of cron(...)${isRule ? ' and rate(...)' : ', rate(...) and at(...)'}`);
}

function faultOfRate(text, isRule) {
  const [, digits, unit] = /^(\d+) (\w+)$/.exec(text) ?? [];
  const count = Number(digits);
  const singular = Object.keys(UNITS).find((one) => unit === one || unit === UNITS[one]);
  if (!singular || count < 1) {
    return 'needs a number of minutes, hours or days';
  }
  const right = count === 1 ? singular : UNITS[singular];
  return isRule && unit !== right ? `must be rate(${count} ${right})` : null;
}

function faultOfAwsCron(text) {
  const parts = text.trim().split(/\s+/);
  const one = (parts[2] === '?') !== (parts[4] === '?');
  const open = parts.map((part, i) => (part === '?' && (i === 2 || i === 4) ? '*' : part)).join(' ');
  return faultOfFields(open, AWS) ?? (one ? null : 'must have ? for either the day of the month or that of the week');
}
