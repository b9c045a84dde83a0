'use strict';
/* What userAgent() tells of a User-Agent field: the browsers, systems and devices in common use. */

const BOT = new RegExp(['Googlebot', 'Mediapartners-Google', 'AdsBot-Google', 'googleweblight', 'Storebot-Google',
  'Google-PageRenderer', 'Google-InspectionTool', 'Bingbot', 'BingPreview', 'Slurp', 'DuckDuckBot', 'baiduspider',
  'yandex', 'sogou', 'LinkedInBot', 'bitlybot', 'tumblr', 'vkShare', 'quora link preview', 'facebookexternalhit',
  'facebookcatalog', 'Twitterbot', 'applebot', 'redditbot', 'Slackbot', 'Discordbot', 'WhatsApp', 'SkypeUriPreview',
  'ia_archiver', 'GPTBot'].join('|'), 'i');

/* In this order: later ones also name themselves like earlier ones. [pattern, name] */
const BROWSERS = [
  [/\bEdg(?:e|A|iOS)?\/([\w.]+)/, 'Edge'],
  [/\b(?:OPR|Opera)\/([\w.]+)/, 'Opera'],
  [/\bSamsungBrowser\/([\w.]+)/, 'Samsung Browser'],
  [/\bHeadlessChrome\/([\w.]+)/, 'Chrome Headless'],
  [/\bFxiOS\/([\w.]+)/, 'Firefox'],
  [/\bFirefox\/([\w.]+)/, 'Firefox'],
  [/\bCriOS\/([\w.]+)/, 'Chrome'],
  [/; wv\).+\bChrome\/([\w.]+)/, 'Chrome WebView'],
  [/\bChrom(?:e|ium)\/([\w.]+)/, 'Chrome'],
  [/\bVersion\/([\w.]+) Mobile\/\w+ Safari\//, 'Mobile Safari'],
  [/\bVersion\/([\w.]+).*\bSafari\//, 'Safari'],
  [/\bMSIE ([\w.]+)/, 'IE'],
  [/\bTrident\/.*\brv:([\w.]+)/, 'IE'],
];

const WINDOWS = { '10.0': '10', 6.3: '8.1', 6.2: '8', 6.1: '7', '6.0': 'Vista', 5.1: 'XP' };

const SYSTEMS = [
  [/\bWindows Phone (?:OS )?([\d.]+)/, 'Windows Phone'],
  [/\bWindows NT ([\d.]+)/, 'Windows', (version) => WINDOWS[version] ?? version],
  [/\b(?:iPhone|iPad|iPod).*\bOS ([\d_]+)/, 'iOS', (version) => version.replaceAll('_', '.')],
  [/\bMac OS X ?([\d_.]*)/, 'Mac OS', (version) => version.replaceAll('_', '.')],
  [/\bAndroid ([\d.]+)/, 'Android'],
  [/\bCrOS \w+ ([\d.]+)/, 'Chromium OS'],
  [/\bUbuntu(?:\/([\d.]+))?/, 'Ubuntu'],
  [/\bLinux(?: ([\w.]+))?/, 'Linux'],
];

const ENGINES = [
  [/\bEdge\/([\w.]+)/, 'EdgeHTML'],
  [/\bChrom(?:e|ium)\/([\w.]+)/, 'Blink'],
  [/\bTrident\/([\w.]+)/, 'Trident'],
  [/\bAppleWebKit\/([\w.]+)/, 'WebKit'],
  [/\brv:([\w.]+)\).*\bGecko\//, 'Gecko'],
];

const PROCESSORS = [
  [/\b(?:amd64|x86_64|x64|wow64|win64)\b/i, 'amd64'],
  [/\b(?:aarch64|arm64|armv8)\b/i, 'arm64'],
  [/\barm(?:v[67])?\w*\b/i, 'arm'],
  [/\bi[3-6]86\b/i, 'ia32'],
];

function identify(text, table) {
  for (const [pattern, name, change] of table) {
    const match = pattern.exec(text);
    if (!match) continue;
    const version = match[1] || undefined;
    return { name, version: version !== undefined && change ? change(version) : version };
  }
  return { name: undefined, version: undefined };
}

function identifyDevice(text) {
  const apple = /\((iPhone|iPad|iPod)[^)]*/.exec(text);
  if (apple) return { vendor: 'Apple', model: apple[1], type: apple[1] === 'iPad' ? 'tablet' : 'mobile' };
  if (/\bMacintosh\b/.test(text)) return { vendor: 'Apple', model: 'Macintosh', type: undefined };
  const android = /\bAndroid [^;)]+; (?:\w\w-\w\w; )?([^;)]+?)(?: Build\/[^;)]*)?[;)]/.exec(text);
  if (!android) return { vendor: undefined, model: undefined, type: undefined };
  const type = /\bMobile\b/.test(text) ? 'mobile' : 'tablet';
  return { vendor: vendorOf(android[1]), model: android[1], type };
}

function vendorOf(model) {
  if (/^(?:SM-|GT-|SAMSUNG|Galaxy)/i.test(model)) return 'Samsung';
  if (/^(?:Pixel|Nexus)/i.test(model)) return 'Google';
  if (/^(?:Redmi|Mi |POCO|M\d{4}|\d{5,}[A-Z])/i.test(model)) return 'Xiaomi';
  if (/^(?:moto|XT\d)/i.test(model)) return 'Motorola';
  if (/^(?:ONEPLUS|LE\d|IN\d|KB\d)/i.test(model)) return 'OnePlus';
  return undefined;
}

function userAgentFromString(input) {
  const ua = input ?? '';
  const browser = identify(ua, BROWSERS);
  const processor = PROCESSORS.find(([pattern]) => pattern.test(ua));
  return {
    ua,
    browser: { ...browser, major: browser.version?.split('.')[0] },
    engine: identify(ua, ENGINES),
    os: identify(ua, SYSTEMS),
    device: identifyDevice(ua),
    cpu: { architecture: processor?.[1] },
    isBot: input === undefined ? false : BOT.test(input),
  };
}

function userAgent({ headers }) {
  return userAgentFromString(headers.get('user-agent') || undefined);
}

module.exports = { userAgent, userAgentFromString };
