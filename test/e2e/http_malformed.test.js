/* What is no HTTP, or could be understood differently by somebody else, is refused and the
 * connection closed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, startGateway, statusOf, Wire } from './http_gateway.js';

const LATER = '\r\nGET /later HTTP/1.1\r\nHost: a\r\n\r\n';
const chunked = (body) => `POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;

const coded = (coding) => `POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`;

const REFUSED = [
  ['a request line of one word', 'GET\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /\r\n\r\n', 400],
  ['HTTP/0.9, which ends here', 'GET /\r\n', 400],
  ['HTTP/0.9 with a version', 'GET / HTTP/0.9\r\nHost: a\r\n\r\n', 505],
  ['HTTP/2 in text', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['a version that is none', 'GET / HTTP/1\r\nHost: a\r\n\r\n', 400],
  ['a version in lower case', 'GET / http/1.1\r\nHost: a\r\n\r\n', 400],
  ['lines that end with CR alone', 'GET / HTTP/1.1\rHost: a\r\r', 400],
  ['a field that ends with CR alone', 'GET / HTTP/1.1\r\nHost: a\rX: b\r', 400],
  ['two blanks in the request line', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a blank in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a tab in the request line', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a leading blank', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a trailing blank', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 400],
  ['a fragment in the target', 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a target without a slash', 'GET a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a NUL in the target', 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a method with a bad byte', 'GE(T / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a byte in the target that is no ASCII', 'GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['text in the target that is not encoded', 'GET /?\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a DEL in the target', 'GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a method nobody knows', 'FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n', 501],
  ['a method in lower case', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', 501],
  ['a method without end', `${'A'.repeat(20000)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 400],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 405],
  ['an asterisk for GET', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an authority as target', 'GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an absolute target of another scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an absolute target without a host', 'GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an absolute target with a user', 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
  ['a Host with percent-encoding', 'GET / HTTP/1.1\r\nHost: a%20b\r\n\r\n', 400],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['a Host with a blank', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
  ['a Host with a user', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', 400],
  ['a Host with a bad port', 'GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n', 400],
  ['a Host with a port too high', 'GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n', 400],
  ['two Hosts in one', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
  ['a bare line feed after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 400],
  ['a bare line feed after a field', 'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n', 400],
  ['a bare line feed at the end', 'GET / HTTP/1.1\r\nHost: a\r\n\n', 400],
  ['a bare carriage return in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n', 400],
  ['a NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400],
  ['a control byte in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n', 400],
  ['a DEL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n', 400],
  ['a folded field', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n', 400],
  ['a folded first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 400],
  ['a blank before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
  ['a blank in a name', 'GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n', 400],
  ['an empty name', 'GET / HTTP/1.1\r\nHost: a\r\n: z\r\n\r\n', 400],
  ['a line without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n', 400],
  ['a high byte in a name', 'GET / HTTP/1.1\r\nHost: a\r\nX\xe4: z\r\n\r\n', 400],
  ['two lengths that differ', `POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd${LATER}`, 400],
  ['two lengths that agree', `POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc${LATER}`, 400],
  ['a list of lengths', `POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc${LATER}`, 400],
  ['a length with a sign', `POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc${LATER}`, 400],
  ['a negative length', `POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc${LATER}`, 400],
  ['a length in hex', `POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc${LATER}`, 400],
  ['an empty length', 'POST /count HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n', 400],
  ['a length with a blank inside', 'POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1 0\r\n\r\n', 400],
  ['a length too large', 'POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n', 400],
  ['a length and chunks', `POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${LATER}`, 400],
  ['chunks and a length', `POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n${LATER}`, 400],
  ['chunks twice', 'POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['chunks in HTTP/1.0', 'POST /count HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['a coding nobody knows', coded('gzip, chunked'), 501],
  ['a coding nobody knows, alone', coded('gzip'), 400],
  ['identity as a coding', coded('identity'), 400],
  ['a coding spelled xchunked', coded('xchunked'), 400],
  ['chunks inside of chunks', coded('chunked, chunked'), 400],
  ['chunks inside of something else', coded('chunked, gzip'), 400],
  ['chunks with a parameter', coded('chunked;q=1'), 400],
  ['no coding', coded(''), 400],
  ['no coding before the chunks', coded(', chunked'), 400],
  ['no coding behind the chunks', coded('chunked,'), 400],
  ['a coding with a vertical tab', 'POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n', 400],
  ['a chunk size that is no number', chunked('zz\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size with a sign', chunked('+3\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size in C notation', chunked('0x3\r\nabc\r\n0\r\n\r\n'), 400],
  ['an empty chunk size', chunked('\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size with a leading blank', chunked(' 3\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size with a trailing blank', chunked('3 \r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size that overflows', chunked('fffffffffffffffff\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk longer than its size', chunked('3\r\nabcd\r\n0\r\n\r\n'), 400],
  ['a chunk that ends in a bare line feed', chunked('3\r\nabc\n0\r\n\r\n'), 400],
  ['a chunk size that ends in a bare line feed', chunked('3\nabc\r\n0\r\n\r\n'), 400],
  ['a blank behind a chunk size and nothing behind it', chunked('3 ;a \r\nabc\r\n0\r\n\r\n'), 400],
  ['an extension without a name', chunked('3;\r\nabc\r\n0\r\n\r\n'), 400],
  ['an extension without a name but with a value', chunked('3;=b\r\nabc\r\n0\r\n\r\n'), 400],
  ['an extension without a value', chunked('3;a=\r\nabc\r\n0\r\n\r\n'), 400],
  ['an extension with a name that is none', chunked('3;a[=b\r\nabc\r\n0\r\n\r\n'), 400],
  ['an extension with an open quote', chunked('3;a="b\r\nabc\r\n0\r\n\r\n'), 400],
  ['an extension with more behind a quote', chunked('3;a="b"c\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size of zeros without end', chunked(`${'0'.repeat(20000)}3\r\nabc\r\n0\r\n\r\n`), 400],
  ['a bare line feed in an extension', chunked('3;a\nabc\r\n0\r\n\r\n'), 400],
  ['a carriage return in an extension', chunked('3;a\rb\r\nabc\r\n0\r\n\r\n'), 400],
  ['extensions without end', chunked(`3;${'a'.repeat(20000)}\r\nabc\r\n0\r\n\r\n`), 400],
  ['a trailer that is no field', chunked('0\r\nfoo\r\n\r\n'), 400],
  ['a trailer with a control byte', chunked('0\r\nX: \x01\r\n\r\n'), 400],
  ['one expectation of two that nobody knows', 'POST /count HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\nContent-Length: 0\r\n\r\n', 417],
  ['an expectation nobody knows', 'POST /count HTTP/1.1\r\nHost: a\r\nExpect: the-unexpected\r\nContent-Length: 0\r\n\r\n', 417],
  ['a request line without end', `GET /${'a'.repeat(20000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ['a head without end', `GET / HTTP/1.1\r\nHost: a\r\n${`X: ${'a'.repeat(8000)}\r\n`.repeat(6)}\r\n`, 431],
  ['more fields than anybody needs', `GET / HTTP/1.1\r\nHost: a\r\n${'X: a\r\n'.repeat(120)}\r\n`, 431],
];

let gateway;
test('malformed requests', async (t) => {
  gateway = await startGateway(t);
  for (const [name, text, status] of REFUSED) {
    await t.test(`${name} is answered ${status} and the connection closed`, async () => {
      const response = await exchange(gateway.port, text);
      assert.equal(statusOf(response), status, response.slice(0, 200));
      assert.match(response, /\r\nconnection: close\r\n/);
      assert.equal(response.match(/HTTP\/1\.1/g).length, 1, 'nothing behind it is taken for a request');
    });
  }
  await t.test('a refusal does not depend on how the bytes were cut', async () => {
    for (const [name, text, status] of REFUSED.filter((one) => one[1].length < 200)) {
      const wire = new Wire(gateway.port);
      wire.socket.setNoDelay(true);
      for (const byte of text) wire.send(byte);
      assert.equal(statusOf(await wire.end()), status, name);
      wire.destroy();
    }
  });
  await t.test('good requests are still served', async () => {
    assert.equal((await gateway.fetch('/hello')).status, 200);
  });
});
