'use strict';

/* When a scheduled function runs next: five fields of cron, in UTC, or one of the shorthands. */

const SHORTHANDS = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
};
const NAMES = {
  month: ' jan feb mar apr may jun jul aug sep oct nov dec'.split(' '),
  weekday: 'sun mon tue wed thu fri sat'.split(' '),
};
const FIELDS = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12 },
  { name: 'weekday', from: 0, to: 7 },
];
/* Leap years may be eight apart. */
const DAYS_TO_LOOK = 366 * 9;

function number(text, field) {
  const named = NAMES[field.name]?.indexOf(text.toLowerCase()) ?? -1;
  const value = named > -1 && text !== '' ? named : Number(text);
  if (!/^\w+$/.test(text) || !Number.isInteger(value) || value < field.from || value > field.to) {
    throw new Error(`Invalid cron ${field.name}: ${text}`);
  }
  return value;
}

function parseField(text, field) {
  const found = new Set();
  for (const part of text.split(',')) {
    const [range, stepText = '1'] = part.split('/');
    const [first, last] = range.split('-');
    const from = range === '*' || range === '?' ? field.from : number(first, field);
    const isOpen = range === '*' || range === '?' || part.includes('/');
    const to = last !== undefined ? number(last, field) : isOpen ? field.to : from;
    const step = Number(stepText);
    if (!Number.isInteger(step) || step < 1) {
      throw new Error(`Invalid cron step: ${part}`);
    }
    for (let value = from; value <= to; value += step) {
      found.add(field.name === 'weekday' ? value % 7 : value);
    }
  }
  return { values: found, isAny: /^[*?]$/.test(text) };
}

function parse(expression) {
  const text = SHORTHANDS[expression.trim().toLowerCase()] ?? expression.trim();
  const parts = text.split(/\s+/);
  if (parts.length !== FIELDS.length) {
    throw new Error(`Invalid cron expression: ${expression}`);
  }
  return Object.fromEntries(FIELDS.map((field, i) => [field.name, parseField(parts[i], field)]));
}

/* Where both days are given, either will do. */
function isDayOf({ day, month, weekday }, date) {
  const inMonth = day.values.has(date.getUTCDate());
  const inWeek = weekday.values.has(date.getUTCDay());
  const isDay = day.isAny || weekday.isAny ? inMonth && inWeek : inMonth || inWeek;
  return month.values.has(date.getUTCMonth() + 1) && isDay;
}

function firstMinute({ hour, minute }, from) {
  for (let h = from.getUTCHours(); h < 24; h += 1) {
    for (let m = h === from.getUTCHours() ? from.getUTCMinutes() : 0; hour.values.has(h) && m < 60; m += 1) {
      if (minute.values.has(m)) {
        return h * 60 + m;
      }
    }
  }
  return -1;
}

/* ISO time of the first run after `now`, or null when there is none. Throws on what is no schedule. */
function nextRun(expression, now) {
  const fields = parse(expression);
  let at = new Date(Math.floor(now.getTime() / 60_000) * 60_000 + 60_000);
  for (let i = 0; i < DAYS_TO_LOOK; i += 1) {
    const midnight = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate());
    const minute = isDayOf(fields, at) ? firstMinute(fields, at) : -1;
    if (minute >= 0) {
      return new Date(midnight + minute * 60_000).toISOString();
    }
    at = new Date(midnight + 86_400_000);
  }
  return null;
}

module.exports = { nextRun };
