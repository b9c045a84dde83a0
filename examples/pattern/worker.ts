// worker.ts
export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url)

    // A/B testing at edge
    const variant = Math.random() < 0.5 ? 'A' : 'B'

    // Geolocation
    const country = request.cf?.country || 'US'

    // Feature flags
    const showNewFeature = country === 'US' && variant === 'B'

    // Fetch from origin with added headers
    const response = await fetch(request, {
      cf: { cacheEverything: true, cacheTtl: 60 }
    })

    // Modify response
    const modifiedResponse = new Response(response.body, response)
    modifiedResponse.headers.set('X-Variant', variant)
    modifiedResponse.headers.set('X-Country', country)

    return modifiedResponse
  }
}
