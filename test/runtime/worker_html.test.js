'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { byFetch, byPath, serve } = require('./worker_serve');

test('HTMLRewriter rewrites while it streams', async () => {
  const gateway = await serve(byFetch(async () => {
    const page = new Response('<h1 class="a">old</h1><p>keep</p><!-- c --><a href="/x">l</a>', {
      status: 203, headers: { 'content-type': 'text/html', 'content-length': '999', 'x-kept': '1' },
    });
    return new HTMLRewriter()
      .on('h1.a', { element(element) { element.setInnerContent('<new>'); } })
      .on('a[href]', { async element(element) {
        const inner = new HTMLRewriter().on('b', { async element(b) { b.setInnerContent('c'); } });
        assert.equal(await inner.transform(new Response('<b>a</b>')).text(), '<b>c</b>');
        element.setAttribute('href', `https://h${element.getAttribute('href')}`);
      } })
      .onDocument({ comments(comment) { comment.remove(); }, end(end) { end.append('<hr>', { html: true }); } })
      .transform(page);
  }), { settings: { html_rewriter: require.resolve('html-rewriter-wasm') } });
  const replies = [1, 2, 3].map(() => gateway.start('GET /'));
  for (const reply of replies) {
    assert.equal(await reply.text(), '<h1 class="a">&lt;new&gt;</h1><p>keep</p><a href="https://h/x">l</a><hr>');
    assert.deepEqual([reply.status, reply.header('x-kept'), reply.header('content-length')], [203, '1', null]);
  }
  const failing = await serve(byFetch(() => new HTMLRewriter()
    .on('p', { element() { throw new Error('handler broke'); } }).transform(new Response('<p>x'))),
  { settings: { html_rewriter: require.resolve('html-rewriter-wasm') } });
  const reply = await (await failing.request('GET /')).until((it) => it.complete);
  assert.match(reply.failure.errorMessage, /handler broke/);
  assert.throws(() => new HTMLRewriter().transform('text'), TypeError);
});

test('HTMLRewriter takes content that is no text, and tells what an asynchronous handler throws', async () => {
  const rewrite = (html, selector, element) => new HTMLRewriter().on(selector, { element }).transform(new Response(html)).text();
  const gateway = await byPath({
    numbers: async () => new Response(await rewrite('<img><b>x</b>', 'img', (img) => {
      img.setAttribute('width', 100).after(5).before(null);
    })),
    streams: async () => new Response(await rewrite('<p>1</p>', 'p', (p) => {
      p.append(new Response('<i>2</i>'), { html: true }).append('<3>').append(new Blob(['4']).stream()).prepend(0);
      p.onEndTag(async (tag) => { tag.after(new Response('5')); });
    })),
    late: () => new HTMLRewriter().on('p', { async element() {
      await scheduler.wait(1);
      throw new RangeError('late');
    } }).transform(new Response('<p>1</p><p>2</p>')),
    lateStream: () => rewrite('<p>1</p>', 'p', (p) => p.append(new ReadableStream({ start: (c) => c.error(new Error('no stream')) }))),
    lateEnd: () => rewrite('<p>1</p>', 'p', (p) => p.onEndTag(async () => { throw new Error('late end'); })),
    none: () => rewrite('<p>1</p>', 'p'),
  }, { settings: { html_rewriter: require.resolve('html-rewriter-wasm') } });
  for (let round = 0; round < 2; round++) {
    const text = async (path) => (await gateway.request(`GET /${path}`)).text();
    const failure = async (path) => (await (await gateway.request(`GET /${path}`)).until((it) => it.complete)).failure?.errorMessage;
    assert.equal(await text('numbers'), 'null<img width="100">5<b>x</b>');
    assert.equal(await text('streams'), '<p>01<i>2</i>&lt;3&gt;4</p>5');
    assert.equal(await failure('late'), 'late');
    assert.equal(await failure('lateStream'), 'no stream');
    assert.equal(await failure('lateEnd'), 'late end');
    assert.match(await text('numbers'), /width/);
  }
  assert.throws(() => new HTMLRewriter().on('p'), /parameter 2 is not of type 'ElementContentHandlers'/);
});
