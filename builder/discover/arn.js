/* Names of AWS resources: what Terraform and CloudFormation say they will be called here, and back to what they name. */
import { createHash } from 'node:crypto';
import path from 'node:path';

/** Of everything that this platform makes up for AWS (doc/events.md). */
export const ACCOUNT = '000000000000';
const DEFAULT_REGION = 'us-east-1';

/** @param {Record<string, string|undefined>} env */
export function regionOf(env) {
  return env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? DEFAULT_REGION;
}

/** @returns {string} */
export function arnOf(service, region, resource) {
  return service === 's3' ? `arn:aws:s3:::${resource}`
    : `arn:aws:${service}:${service === 'iam' ? '' : region}:${ACCOUNT}:${resource}`; /* IAM is of all regions */
}

/** What every service that runs here takes for a name; S3's 63 are the least. */
const NAME_MAX = 63;
/** Leaves room for what templates put after a stack's name to name a function, of which Lambda takes 64. */
const STACK_MAX = 32;

/** The name of a resource that its file gives none. CloudFormation, too, keeps the beginning of a long one. */
export function nameFor(id) {
  return id.length <= NAME_MAX ? id : `${id.slice(0, NAME_MAX - 13)}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}

/** The name of a stack that nobody has named, after its folder: of letters, digits and hyphens, as CloudFormation's are. */
export function stackFor(folder) {
  const text = path.basename(folder).replace(/[^A-Za-z0-9]+/g, '-').replace(/^[^A-Za-z]+/, '');
  return text.slice(0, STACK_MAX).replace(/-$/, '') || 'stack';
}

/** As SQS's own; control puts the address of this machine in its place. */
export function queueUrl(region, name) {
  return `https://sqs.${region}.amazonaws.com/${ACCOUNT}/${name}`;
}

/** What AWS puts behind the names of some resources to tell them from earlier ones: here the same for every build. */
export function uuidFor(resource) {
  const hex = createHash('sha256').update(resource).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** @returns {{ service: string, resource: string }|null} */
export function parseArn(text) {
  const match = /^arn:[^:]+:([^:]+):[^:]*:[^:]*:(.+)$/s.exec(typeof text === 'string' ? text : '');
  return match && { service: match[1], resource: match[2] };
}

/**
 * What an ARN leads to, of the kinds that run here.
 * @returns {{ function: string }|{ queue: string }|{ bus: string }|{ endpoint: string }|{ bucket: string }|null}
 */
export function targetOfArn(text) {
  const { service, resource } = parseArn(text) ?? {};
  const parts = resource?.split(/[:/]/) ?? [];
  if (service === 'lambda' && parts[0] === 'function' && parts[1]) {
    return { function: parts[1] }; /* a version or an alias may follow: there is one version here */
  }
  if (service === 'events' && parts[0] === 'event-bus' && parts[1]) {
    return { bus: parts[1] };
  }
  if (service === 'events' && parts[0] === 'api-destination' && parts[1]) {
    return { endpoint: parts[1] };
  }
  if (service === 'sqs' && parts.length === 1) {
    return { queue: resource };
  }
  return service === 's3' && parts.length === 1 ? { bucket: resource } : null;
}
