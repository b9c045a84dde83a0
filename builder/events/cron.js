/* Whether a schedule is one, in the words of its platform, which differ: Cloudflare and AWS count weekdays from 1 for
 * Sunday, the others from 0. Control works out the times (src/control/events); here mistakes are found while their file
 * is still known. */

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const SHORTHAND = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/i;
const UNITS = { minute: 'minutes', hour: 'hours', day: 'days' };

const MINUTE = { name: 'minute', min: 0, max: 59 };
const HOUR = { name: 'hour', min: 0, max: 23 };
const DAY = { name: 'day of the month', min: 1, max: 31 };
const MONTH = { name: 'month', min: 1, max: 12 };
const named = (field, names, first) => ({ ...field, names: new Map(names.map((name, i) => [name, i + first])) });

const VERCEL = [MINUTE, HOUR, DAY, MONTH, { name: 'day of the week', min: 0, max: 6 }];
/** Netlify's CLI uses cron-parser, which knows L and #. */
const NETLIFY_WEEKDAY = {
  ...named({ name: 'day of the week', min: 0, max: 7 }, DAYS, 0),
  extra: /^([0-7]|[A-Z]{3})(L|#[1-5])$/i,
};
const NETLIFY = [MINUTE, HOUR, { ...DAY, extra: /^L$/i }, named(MONTH, MONTHS, 1), NETLIFY_WEEKDAY];
/** L, W and # as Quartz has them. */
const QUARTZ_DAY = { ...DAY, extra: /^(L(-\d{1,2})?|LW|\d{1,2}W)$/i };
const QUARTZ_WEEKDAY = {
  ...named({ name: 'day of the week', min: 1, max: 7 }, DAYS, 1),
  extra: /^(L|([1-7]|[A-Z]{3})(L|#[1-5]))$/i,
};
const WORKER = [MINUTE, HOUR, QUARTZ_DAY, named(MONTH, MONTHS, 1), QUARTZ_WEEKDAY];
const AWS = [...WORKER, { name: 'year', min: 1970, max: 2199 }];

/** @returns {string|null} what is wrong with one field */
function faultOfField(text, field) {
  for (const part of text.split(',')) {
    if (part === '*' || part === '?' || field.extra?.test(part)) {
      continue;
    }
    const match = /^(\*|\?|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part);
    const [from, to] = match ? [match[1], match[2]].map((value) => numberOf(value, field)) : [NaN];
    const isBackwards = to !== undefined && from > to && field !== QUARTZ_WEEKDAY && field.name !== 'month';
    if (!match || Number.isNaN(from) || Number.isNaN(to) || isBackwards || match[3] === '0') {
      return `${field.name} "${part}" is not within ${field.min}-${field.max}`;
    }
  }
  return null;
}

/** undefined for what is not there, NaN for what is no such number */
function numberOf(text, field) {
  if (text === undefined || text === '*' || text === '?') {
    return undefined;
  }
  const value = field.names?.get(text.toUpperCase()) ?? (/^\d+$/.test(text) ? Number(text) : NaN);
  return value >= field.min && value <= field.max ? value : NaN;
}

function faultOfFields(text, fields) {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== fields.length) {
    const names = fields.map(({ name }) => name).join(', ');
    return `has ${parts.length} ${parts.length === 1 ? 'field' : 'fields'} and needs ${fields.length}: ${names}`;
  }
  return parts.map((part, i) => faultOfField(part, fields[i])).find(Boolean) ?? null;
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
  return SHORTHAND.test(expression.trim()) ? null : told(expression, faultOfFields(expression, NETLIFY));
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
  return isTime ? null : told(expression, `is none of cron(...)${isRule ? ' and rate(...)' : ', rate(...) and at(...)'}`);
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
  const [, , day, , weekday] = text.trim().split(/\s+/);
  const one = (day === '?') !== (weekday === '?');
  return faultOfFields(text, AWS) ?? (one ? null : 'must have ? for either the day of the month or that of the week');
}
