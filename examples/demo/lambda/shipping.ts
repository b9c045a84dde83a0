/* http://shipping.localhost:3000/?country=DE&grams=1200: an AWS Lambda handler behind a function URL */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';

/** Cents for a parcel of up to 1 kg, then for each kilogram more. */
const ZONES: Record<string, { first: number; more: number; days: number }> = {
  DE: { first: 490, more: 120, days: 2 },
  FR: { first: 890, more: 210, days: 4 },
  US: { first: 2490, more: 950, days: 9 },
};

export async function handler(event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyStructuredResultV2> {
  const { country = 'DE', grams: text = '500' } = event.queryStringParameters ?? {};
  const zone = ZONES[country];
  const grams = Number(text);
  if (!zone || !(grams > 0)) {
    return answer(400, { error: 'We ship to DE, FR and US; grams must be more than 0' });
  }
  const isFree = country === 'DE' && grams >= Number(process.env.FREE_FROM_GRAMS);
  const price = isFree ? 0 : zone.first + Math.ceil(Math.max(0, grams - 1000) / 1000) * zone.more;
  return answer(200, { country, grams, price, days: zone.days, requestId: context.awsRequestId });
}

function answer(statusCode: number, body: object): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: {
      'content-type': 'application/json',
      'access-control-allow-origin': '*', // the demo's page asks from another host name
      'access-control-expose-headers': '*',
    },
    body: JSON.stringify(body),
  };
}
