/* Settings of a Lambda function URL (or the CORS of an API), as its runtime reads them (runtime/js/dialects/lambda/url.js). */

/** From the names that AWS's APIs have to those that the runtime reads, whatever the letter they begin with. */
export function urlSettings(url) {
  const lower = (object) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key[0].toLowerCase() + key.slice(1), value]));
  const { authType, invokeMode, cors } = lower(url);
  const fields = cors && typeof cors === 'object' ? lower(cors) : null;
  return withoutUndefined({
    auth_type: authType,
    invoke_mode: invokeMode,
    cors: fields && withoutUndefined({
      allow_credentials: fields.allowCredentials === undefined ? undefined : String(fields.allowCredentials) === 'true',
      allow_headers: fields.allowHeaders,
      allow_methods: fields.allowMethods,
      allow_origins: fields.allowOrigins,
      expose_headers: fields.exposeHeaders,
      max_age: fields.maxAge,
    }),
  });
}

/** And without null. */
export function withoutUndefined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null));
}

/** What Lambda tells the runtime of a function's logging. */
export function loggingVariables(format, level) {
  const isJson = String(format ?? '').toUpperCase() === 'JSON';
  return isJson ? { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: level ?? 'INFO' } : {};
}
