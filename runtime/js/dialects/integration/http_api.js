'use strict';

/* First-class integrations of HTTP APIs: parameters, mapped one by one, make one call of a service, whose answer is the route's.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html */

const { httpValue } = require('./parameters');
const { Refusal } = require('./refusal');

const FORM = 'application/x-www-form-urlencoded';
const JSON_1_1 = 'application/x-amz-json-1.1';

/* 2020-09-13, in milliseconds: no number of seconds is as large. */
const LEAST_MS = 1_600_000_000_000;

function jsonParameter(name, text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'Bad Request', `${name} is no JSON: ${text}`);
  }
}

/* EventBridge */

/** Seconds since 1970, of a date or of a number like `$context.requestTimeEpoch`. */
function secondsOf(text) {
  const number = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(number)) throw new Refusal(400, 'Bad Request', `Time is no date: ${text}`);
  return /^\d+$/.test(text) && number < LEAST_MS ? number : number / 1000;
}

function putEvents({ Region: _region, Time: time, Resources: resources, ...entry }) {
  const list = resources?.startsWith('[') ? jsonParameter('Resources', resources) : resources?.split(',');
  const whole = { ...entry, ...(list ? { Resources: list } : {}), ...(time ? { Time: secondsOf(time) } : {}) };
  return {
    service: 'events', headers: { 'Content-Type': JSON_1_1, 'X-Amz-Target': 'AWSEvents.PutEvents' },
    body: JSON.stringify({ Entries: [whole] }),
  };
}

/* SQS */

const ATTRIBUTES = { MessageAttributes: 'MessageAttribute', MessageSystemAttributes: 'MessageSystemAttribute' };
const LISTS = { AttributeNames: 'AttributeName', MessageAttributeNames: 'MessageAttributeName' };

function attributeFields(kind, attributes) {
  return Object.entries(attributes).flatMap(([name, value], i) => [
    [`${kind}.${i + 1}.Name`, name],
    ...Object.entries(value ?? {}).map(([member, text]) => [`${kind}.${i + 1}.Value.${member}`, String(text)]),
  ]);
}

function formFields(name, value) {
  if (Object.hasOwn(ATTRIBUTES, name)) return attributeFields(ATTRIBUTES[name], jsonParameter(name, value));
  if (Object.hasOwn(LISTS, name)) return value.split(',').map((one, i) => [`${LISTS[name]}.${i + 1}`, one]);
  return [[name, value]];
}

const sqs = (action) => ({ Region: _region, ...parameters }) => ({
  service: 'sqs', headers: { 'Content-Type': FORM },
  body: new URLSearchParams([['Action', action], ...Object.entries(parameters).flatMap(([name, value]) => formFields(name, value))]).toString(),
});

const SUBTYPES = {
  'EventBridge-PutEvents': putEvents,
  'SQS-SendMessage': sqs('SendMessage'),
  'SQS-ReceiveMessage': sqs('ReceiveMessage'),
  'SQS-DeleteMessage': sqs('DeleteMessage'),
  'SQS-PurgeQueue': sqs('PurgeQueue'),
};

function valuesOf(parameters, scope) {
  return Object.fromEntries(Object.entries(parameters).map(([name, said]) => {
    const value = httpValue(said, scope);
    if (value === undefined) {
      throw new Refusal(400, 'Bad Request', `Unable to resolve property ${name} from source ${said}`);
    }
    return [name, value];
  }));
}

async function run({ subtype, region, parameters }, scope, call) {
  const values = valuesOf(parameters, scope);
  const request = SUBTYPES[subtype](values);
  const { status, headers, bytes } = await call({ region: values.Region ?? region, method: 'POST', path: '/', ...request });
  return { status, headers: ['content-type', headers['content-type'] ?? 'application/json'], body: bytes };
}

module.exports = { run };
