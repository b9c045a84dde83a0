'use strict';
/* Files of the folder app that are routes by their name: what such a module or file says becomes a route handler, as
 * a build of Next.js makes one. https://nextjs.org/docs/app/api-reference/file-conventions/metadata */

const REVALIDATE = 'public, max-age=0, must-revalidate';
const TEXT_TYPES = { robots: 'text/plain', manifest: 'application/manifest+json', sitemap: 'application/xml' };
const FILE_TYPES = {
  ico: 'image/x-icon', png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', svg: 'image/svg+xml', xml: 'application/xml',
  webmanifest: 'application/manifest+json', json: 'application/manifest+json',
};

const listOf = (value) => (Array.isArray(value) ? value : [value]);

const lines = (name, value) => (value ? listOf(value).map((item) => `${name}: ${item}\n`).join('') : '');

function robotsRule({ userAgent, allow, disallow, crawlDelay, other = {} }) {
  const others = Object.entries(other).filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => listOf(value).map((item) => `${name}: ${item}\n`).join(''));
  return `${lines('User-Agent', userAgent || '*')}${lines('Allow', allow)}${lines('Disallow', disallow)}`
    + `${lines('Crawl-delay', crawlDelay)}${others.join('')}\n`;
}

const robotsText = ({ rules, host, sitemap }) =>
  `${listOf(rules).map(robotsRule).join('')}${host ? `Host: ${host}\n` : ''}${lines('Sitemap', sitemap)}`;

/* Of a <video:video>, in this order: texts, and those with an attribute. */
const VIDEO_FIELDS = ['content_loc', 'player_loc', 'duration', 'view_count', 'tag', 'rating', 'expiration_date',
  'publication_date', 'family_friendly', 'requires_subscription', 'live'];

function videoText(video) {
  const tag = (name, value, attribute = '') => `<video:${name}${attribute}>${value}</video:${name}>`;
  const related = (name) => video[name] && tag(name, video[name].content, ` relationship="${video[name].relationship}"`);
  const { uploader } = video;
  const parts = [
    '<video:video>', ...['title', 'thumbnail_loc', 'description'].map((name) => tag(name, video[name])),
    ...VIDEO_FIELDS.map((name) => video[name] && tag(name, video[name])), related('restriction'), related('platform'),
    uploader && tag('uploader', uploader.content, uploader.info && ` info="${uploader.info}"`), '</video:video>\n',
  ];
  return parts.filter(Boolean).join('\n');
}

function sitemapEntry({ url, alternates, images, videos, lastModified, changeFrequency, priority }) {
  const languages = Object.entries(alternates?.languages ?? {})
    .map(([language, href]) => `<xhtml:link rel="alternate" hreflang="${language}" href="${href}" />\n`);
  const pictures = (images ?? []).map((image) => `<image:image>\n<image:loc>${image}</image:loc>\n</image:image>\n`);
  const modified = lastModified instanceof Date ? lastModified.toISOString() : lastModified;
  return `<url>\n<loc>${url}</loc>\n${languages.join('')}${pictures.join('')}${(videos ?? []).map(videoText).join('')}`
    + `${modified ? `<lastmod>${modified}</lastmod>\n` : ''}`
    + `${changeFrequency ? `<changefreq>${changeFrequency}</changefreq>\n` : ''}`
    + `${typeof priority === 'number' ? `<priority>${priority}</priority>\n` : ''}</url>\n`;
}

function sitemapText(entries) {
  const some = (count) => entries.some((entry) => count(entry) > 0);
  const spaces = [
    some(({ images }) => images?.length) ? ' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"' : '',
    some(({ videos }) => videos?.length) ? ' xmlns:video="http://www.google.com/schemas/sitemap-video/1.1"' : '',
    some(({ alternates }) => Object.keys(alternates ?? {}).length) ? ' xmlns:xhtml="http://www.w3.org/1999/xhtml"' : '',
  ];
  return '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    + `${spaces.join('')}>\n${entries.map(sitemapEntry).join('')}</urlset>\n`;
}

const TEXTS = { robots: robotsText, manifest: (value) => JSON.stringify(value), sitemap: sitemapText };

/* A response that says what it is and that it is to be looked at again. */
function describedResponse(body, type) {
  return new Response(body, { headers: { 'content-type': type, 'cache-control': REVALIDATE } });
}

const textResponse = (value, kind) => describedResponse(TEXTS[kind](value), TEXT_TYPES[kind]);

const missing = () => new Response('Not Found', { status: 404 });

const isText = (id) => id !== null && id !== undefined;

/* The texts of the ids that generateSitemaps() or generateImageMetadata() gives out. */
function idsOf(items, generator) {
  return items.map((item) => {
    if (isText(item?.id)) return String(item.id);
    throw new Error(`id property is required for every item returned from ${generator}`);
  });
}

/* Several sitemaps, each at its id with .xml behind it. */
function sitemapsModule({ default: handler, generateSitemaps }) {
  const ids = async () => idsOf(await generateSitemaps(), 'generateSitemaps');
  return {
    async GET(request, { params }) {
      const { __metadata_id__: name } = await params;
      const id = name.endsWith('.xml') ? name.slice(0, -'.xml'.length) : null;
      if (!(await ids()).includes(id)) return missing();
      return textResponse(await handler({ id: Promise.resolve(id) }), 'sitemap');
    },
    generateStaticParams: async () => (await ids()).map((id) => ({ __metadata_id__: `${id}.xml` })),
  };
}

/* Several images, each at its id. */
function imagesModule({ default: handler, generateImageMetadata }) {
  const ids = async (params) => idsOf(await generateImageMetadata({ params }), 'generateImageMetadata');
  return {
    async GET(request, { params }) {
      const { __metadata_id__: id, ...rest } = await params;
      if (!(await ids(rest)).includes(id)) return missing();
      return handler({ params: Promise.resolve(rest), id: Promise.resolve(id) });
    },
    generateStaticParams: async ({ params }) => (await ids(params)).map((id) => ({ __metadata_id__: id })),
  };
}

function codeModule(module, kind, file) {
  const { default: handler } = module;
  if (typeof handler !== 'function') throw new Error(`Default export is missing in ${JSON.stringify(file)}`);
  if (kind === 'sitemap' && module.generateSitemaps) return sitemapsModule(module);
  if (kind === 'image') {
    return module.generateImageMetadata ? imagesModule(module) : { GET: (request, { params }) => handler({ params }) };
  }
  return { GET: async () => textResponse(await handler(), kind) };
}

function fileModule({ default: bytes }, file) {
  const ending = file.slice(file.lastIndexOf('.') + 1);
  return { GET: () => describedResponse(bytes, FILE_TYPES[ending] ?? 'text/plain'), dynamic: 'force-static' };
}

/**
 * The module of a route handler that answers as the file or module at `endpoint` says. It is answered once and kept,
 * unless the module says otherwise.
 */
function metadataModule(module, { file, settings: { metadata: kind } }) {
  if (kind === 'file') return fileModule(module, file);
  const { dynamic, revalidate = false, dynamicParams } = module;
  return { dynamic, revalidate, dynamicParams, ...codeModule(module, kind, file) };
}

module.exports = { metadataModule };
