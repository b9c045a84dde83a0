/* Static websites, as S3 documents them and as it was recorded. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import {
  DeleteBucketWebsiteCommand, GetBucketWebsiteCommand, PutBucketAclCommand, PutBucketCorsCommand, PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand, PutBucketWebsiteCommand, PutObjectCommand,
} from '@aws-sdk/client-s3';
import { refused, startS3 } from './s3_project.js';

const IndexDocument = { Suffix: 'index.html' };

test('S3 serves static websites', async (t) => {
  const { s3, bucket, endpoint } = await startS3(t);
  const send = (Command, input) => s3.send(new Command(input));
  const configure = (Bucket, WebsiteConfiguration) => send(PutBucketWebsiteCommand, { Bucket, WebsiteConfiguration });
  const put = (Bucket, Key, more) => send(PutObjectCommand, { Bucket, Key, Body: Key, ContentType: 'text/html', ACL: 'public-read', ...more });
  const hostOf = (Bucket) => `${Bucket}.s3-website.localhost:${new URL(endpoint).port}`;

  /** A page as a browser gets it, without following redirects. */
  const visit = (Bucket, path, { method = 'GET', host = hostOf(Bucket), headers = {} } = {}) => new Promise((resolve, reject) => {
    const asked = request(`${endpoint}${path}`, { method, headers: { host, ...headers } }, async (answer) => {
      let body = '';
      for await (const piece of answer.setEncoding('utf8')) {
        body += piece;
      }
      resolve({ status: answer.statusCode, headers: answer.headers, body });
    });
    asked.on('error', reject).end();
  });
  const got = async (...args) => {
    const { status, body } = await visit(...args);
    return [status, body];
  };
  const location = async (...args) => {
    const { status, headers, body } = await visit(...args);
    assert.equal(body, '');
    return [status, headers.location];
  };
  /** Without what differs each time. */
  const page = async (...args) => (await visit(...args)).body.replace(/<li>(RequestId|HostId): \S+<\/li>\n/g, '');
  const error = (title, items, nested = '') => `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n<ul>\n${
    items.map((item) => `<li>${item}</li>\n`).join('')}</ul>\n${nested}<hr/>\n</body>\n</html>\n`;
  const noKey = (key) => ['Code: NoSuchKey', 'Message: The specified key does not exist.', `Key: ${key}`];

  /** A bucket that anybody may list, so that what is missing is 404. */
  const site = async (keys, config = { IndexDocument }) => {
    const Bucket = await bucket();
    await send(PutBucketAclCommand, { Bucket, ACL: 'public-read' });
    await configure(Bucket, config);
    for (const key of keys) {
      await put(Bucket, key);
    }
    return Bucket;
  };

  await t.test('objects, index documents and folders', async () => {
    const Bucket = await site(['index.html', 'about/index.html', 'a b.html']);
    assert.deepEqual(await got(Bucket, '/'), [200, 'index.html']);
    assert.deepEqual(await got(Bucket, '/about/'), [200, 'about/index.html']);
    assert.deepEqual(await got(Bucket, '/a%20b.html?versionId=none&uploads'), [200, 'a b.html'], 'a page has its own query');
    const folder = await visit(Bucket, '/about');
    assert.deepEqual([folder.status, folder.headers.location, folder.headers['x-amz-error-code'], folder.headers['x-amz-error-message']],
      [302, '/about/', 'Found', 'Resource Found']);
    assert.equal(await page(Bucket, '/about'), error('302 Found', ['Code: Found', 'Message: Resource Found']));
    assert.equal(await page(Bucket, '/none'), error('404 Not Found', noKey('none')));
    assert.equal(await page(Bucket, '/none/'), error('404 Not Found', noKey('none/index.html')));
    assert.equal(await page(Bucket, '/%3Cb%3E'), error('404 Not Found', noKey('&lt;b&gt;')));

    const first = await visit(Bucket, '/index.html');
    assert.equal(first.headers['content-type'], 'text/html');
    assert.equal((await visit(Bucket, '/index.html', { headers: { 'if-none-match': first.headers.etag } })).status, 304);
    assert.deepEqual(await got(Bucket, '/index.html', { headers: { range: 'bytes=0-1' } }), [206, 'in']);
    const head = await visit(Bucket, '/', { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '10', '']);
    const missing = await visit(Bucket, '/none', { method: 'HEAD' });
    assert.deepEqual([missing.status, missing.headers['x-amz-error-code'], missing.body], [404, 'NoSuchKey', '']);
    const long = await visit(Bucket, `/${'k'.repeat(1025)}`);
    assert.deepEqual([long.status, long.headers['x-amz-error-code']], [400, 'KeyTooLongError']);
  });

  await t.test('hosts of AWS and of its stand-ins', async () => {
    const Bucket = await site(['index.html']);
    for (const host of ['s3-website-eu-west-1.amazonaws.com', 's3-website.eu-central-1.amazonaws.com', 's3-website.localhost.localstack.cloud:4566']) {
      assert.deepEqual(await got(Bucket, '/', { host: `${Bucket}.${host}` }), [200, 'index.html'], host);
    }
  });

  await t.test('what is no website, and what is no reading', async () => {
    const Bucket = await bucket();
    const none = (name) => ['Code: NoSuchWebsiteConfiguration', 'Message: The specified bucket does not have a website configuration', `BucketName: ${name}`];
    assert.equal(await page(Bucket, '/a/key'), error('404 Not Found', none(Bucket)));
    assert.equal(await page('no-bucket', '/'), error('404 Not Found', ['Code: NoSuchBucket', 'Message: The specified bucket does not exist', 'BucketName: no-bucket']));
    await configure(Bucket, { IndexDocument, ErrorDocument: { Key: 'error.html' } });
    await put(Bucket, 'error.html');
    for (const method of ['POST', 'DELETE', 'PUT']) {
      assert.equal(await page(Bucket, '/', { method }), error('405 Method Not Allowed', ['Code: MethodNotAllowed',
        'Message: The specified method is not allowed against this resource.', `Method: ${method}`, 'ResourceType: OBJECT']));
    }
  });

  await t.test('only what is public is served', async () => {
    const Bucket = await bucket({ 'index.html': 'private' });
    await configure(Bucket, { IndexDocument, ErrorDocument: { Key: 'error.html' } });
    const denied = ['Code: AccessDenied', 'Message: Access Denied'];
    const nested = `<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n${denied.map((item) => `<li>${item}</li>\n`).join('')}</ul>\n`;
    assert.equal(await page(Bucket, '/'), error('403 Forbidden', denied, nested));
    assert.equal(await page(Bucket, '/none'), error('403 Forbidden', denied, nested), 'who may not list does not see what is missing');
    await put(Bucket, 'error.html');
    const answer = await visit(Bucket, '/');
    assert.deepEqual([answer.status, answer.body, answer.headers['x-amz-error-code']], [403, 'error.html', 'AccessDenied']);
    const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` }];
    await send(PutBucketPolicyCommand, { Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) });
    assert.deepEqual(await got(Bucket, '/'), [200, 'private']);
    await send(PutBucketRequestPaymentCommand, { Bucket, RequestPaymentConfiguration: { Payer: 'Requester' } });
    assert.equal(await page(Bucket, '/'), error('403 Forbidden', denied));
  });

  await t.test('error documents', async () => {
    const Bucket = await site([], { IndexDocument, ErrorDocument: { Key: 'error.html' } });
    const nested = `<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n${
      noKey('error.html').map((item) => `<li>${item}</li>\n`).join('')}</ul>\n`;
    assert.equal(await page(Bucket, '/'), error('404 Not Found', noKey('index.html'), nested));
    await put(Bucket, 'error.html');
    const answer = await visit(Bucket, '/', { headers: { range: 'bytes=0-1', 'if-none-match': '*' } });
    assert.deepEqual([answer.status, answer.body, answer.headers['content-type']], [404, 'error.html', 'text/html']);
    assert.equal(answer.headers['x-amz-error-message'], 'The specified key does not exist.');
    await put(Bucket, 'error.html', { WebsiteRedirectLocation: '/sorry.html' });
    assert.deepEqual(await location(Bucket, '/none'), [301, '/sorry.html']);
  });

  await t.test('redirects of objects and of everything', async () => {
    const Bucket = await site(['index.html']);
    await put(Bucket, 'old.html', { WebsiteRedirectLocation: '/new.html' });
    await put(Bucket, 'far.html', { WebsiteRedirectLocation: 'http://example.com/foo' });
    await put(Bucket, 'secret.html', { WebsiteRedirectLocation: '/new.html', ACL: 'private' });
    assert.deepEqual(await location(Bucket, '/old.html'), [301, '/new.html']);
    assert.deepEqual(await location(Bucket, '/far.html'), [301, 'http://example.com/foo']);
    assert.equal((await visit(Bucket, '/secret.html')).status, 403);
    await configure(Bucket, { RedirectAllRequestsTo: { HostName: 'example.org' } });
    assert.deepEqual(await location(Bucket, '/'), [301, 'http://example.org/']);
    assert.deepEqual(await location(Bucket, '/a%20b/c?d=e'), [301, 'http://example.org/a%20b/c?d=e']);
    await configure(Bucket, { RedirectAllRequestsTo: { HostName: 'example.org', Protocol: 'https' } });
    assert.deepEqual(await location(Bucket, '/a'), [301, 'https://example.org/a']);
  });

  await t.test('routing rules', async () => {
    const RoutingRules = [
      { Condition: { KeyPrefixEquals: 'both/', HttpErrorCodeReturnedEquals: '404' }, Redirect: { ReplaceKeyWith: 'both.html' } },
      { Condition: { KeyPrefixEquals: 'prefixed' }, Redirect: { ReplaceKeyWith: 'redirected.html' } },
      { Condition: { KeyPrefixEquals: 'docs/' }, Redirect: { ReplaceKeyPrefixWith: 'documents/' } },
      { Condition: { KeyPrefixEquals: 'cut/' }, Redirect: { ReplaceKeyPrefixWith: '' } },
      { Condition: { KeyPrefixEquals: 'host/' }, Redirect: { HostName: 'random-hostname' } },
      { Condition: { KeyPrefixEquals: 'code/' }, Redirect: { Protocol: 'https', HttpRedirectCode: '307' } },
      { Condition: { KeyPrefixEquals: 'index' }, Redirect: { ReplaceKeyWith: 'redirected.html' } },
      { Condition: { HttpErrorCodeReturnedEquals: '404' }, Redirect: { HostName: 'example.com', ReplaceKeyPrefixWith: 'report-404/' } },
    ];
    const Bucket = await site(['index.html', 'both/here', 'error.html'], { IndexDocument, ErrorDocument: { Key: 'error.html' }, RoutingRules });
    await put(Bucket, 'prefixed-key', { WebsiteRedirectLocation: '/other.html' });
    const here = `http://${hostOf(Bucket)}`;
    assert.deepEqual(await location(Bucket, '/prefixed-key'), [301, `${here}/redirected.html`], 'before the object itself');
    assert.deepEqual(await location(Bucket, '/docs/a%20b?c'), [301, `${here}/documents/a%20b?c`]);
    assert.deepEqual(await location(Bucket, '/cut/docs/x'), [301, `${here}/docs/x`]);
    assert.deepEqual(await location(Bucket, '/host/key'), [301, 'http://random-hostname/host/key']);
    assert.deepEqual(await location(Bucket, '/code/key'), [307, `${here.replace('http', 'https')}/code/key`]);
    assert.deepEqual(await location(Bucket, '/both/'), [301, `${here}/both.html`]);
    assert.deepEqual(await got(Bucket, '/both/here'), [200, 'both/here']);
    assert.deepEqual(await location(Bucket, '/x'), [301, 'http://example.com/report-404/x']);
    assert.deepEqual(await got(Bucket, '/'), [200, 'index.html'], 'the index document was not asked for by its name');

    await configure(Bucket, { IndexDocument, RoutingRules: [{ Redirect: { HostName: 'elsewhere' } }] });
    assert.deepEqual(await location(Bucket, '/'), [301, 'http://elsewhere/']);
  });

  await t.test('a configuration that is none is refused', async () => {
    const Bucket = await bucket();
    await refused(send(GetBucketWebsiteCommand, { Bucket }), 404, 'NoSuchWebsiteConfiguration');
    const refuse = async (config, code, message, ArgumentName, ArgumentValue) => {
      const failure = await refused(configure(Bucket, config), 400, code);
      assert.deepEqual([failure.message, failure.ArgumentName, failure.ArgumentValue], [message, ArgumentName, ArgumentValue]);
    };
    const route = (rule, ...expected) => refuse({ IndexDocument, RoutingRules: [rule] }, 'InvalidRequest', ...expected);
    const schema = 'The XML you provided was not well-formed or did not validate against our published schema';
    await refuse({ IndexDocument: { Suffix: '/index.html' } }, 'InvalidArgument', 'The IndexDocument Suffix is not well formed', 'IndexDocument', '/index.html');
    await refuse({ IndexDocument: { Suffix: '' } }, 'InvalidArgument', 'The IndexDocument Suffix is not well formed', 'IndexDocument', '');
    await refuse({ RedirectAllRequestsTo: { HostName: 'test' }, IndexDocument }, 'InvalidArgument',
      'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.', 'RedirectAllRequestsTo', 'not null');
    await refuse({ ErrorDocument: { Key: 'e' } }, 'InvalidArgument',
      'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty', 'IndexDocument', 'null');
    await refuse({ IndexDocument, RoutingRules: [] }, 'MalformedXML', schema);
    await refuse({ IndexDocument, RoutingRules: [{}] }, 'MalformedXML', schema);
    await refuse({ IndexDocument, ErrorDocument: {} }, 'MalformedXML', schema);
    await refuse({ RedirectAllRequestsTo: {} }, 'MalformedXML', schema);
    const protocol = 'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.';
    await route({ Redirect: { Protocol: 'protocol' } }, protocol);
    await refuse({ RedirectAllRequestsTo: { HostName: 'h', Protocol: 'ftp' } }, 'InvalidRequest', protocol);
    await route({ Redirect: { ReplaceKeyPrefixWith: 'a', ReplaceKeyWith: 'b' } }, 'You can only define ReplaceKeyPrefix or ReplaceKey but not both.');
    await route({ Redirect: { ReplaceKeyPrefixWith: 'a' }, Condition: {} },
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.");
    for (const code of ['300', '314x', '404']) {
      await route({ Redirect: { HttpRedirectCode: code } }, `The provided HTTP redirect code (${code}) is not valid. Valid codes are 3XX except 300.`);
    }
    await route({ Redirect: { HostName: 'h' }, Condition: { HttpErrorCodeReturnedEquals: '302' } },
      'The provided HTTP error code (302) is not valid. Valid codes are 4XX or 5XX.');
    await refuse({ IndexDocument, RoutingRules: Array(51).fill({ Redirect: { HostName: 'h' } }) }, 'InvalidRequest',
      '51 routing rules provided, the number of routing rules in a website configuration is limited to 50.');

    await configure(Bucket, { IndexDocument });
    assert.deepEqual((await send(GetBucketWebsiteCommand, { Bucket })).IndexDocument, IndexDocument);
    await send(DeleteBucketWebsiteCommand, { Bucket });
    await refused(send(GetBucketWebsiteCommand, { Bucket }), 404, 'NoSuchWebsiteConfiguration');
  });

  await t.test("scripts of other sites, by the bucket's rules", async () => {
    const Bucket = await site(['index.html']);
    const CORSRules = [{ AllowedOrigins: ['https://app.example'], AllowedMethods: ['GET'] }];
    await send(PutBucketCorsCommand, { Bucket, CORSConfiguration: { CORSRules } });
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'GET' };
    assert.equal((await visit(Bucket, '/', { headers })).headers['access-control-allow-origin'], 'https://app.example');
    assert.equal((await visit(Bucket, '/', { method: 'OPTIONS', headers })).status, 200);
  });

  await t.test('what a policy lets everybody read is not found, and what it does not is forbidden', async () => {
    const Bucket = await bucket({ 'index.html': 'home' });
    await configure(Bucket, { IndexDocument });
    const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/public/*` }];
    await send(PutBucketPolicyCommand, { Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) });
    assert.equal(await page(Bucket, '/public/none'), error('404 Not Found', noKey('public/none')));
    assert.equal((await visit(Bucket, '/other/none')).status, 403);
    assert.equal((await fetch(`${endpoint}/${Bucket}/public/none`)).status, 403, 'to the API only who may list is told so');
  });
});
