/* http://story.localhost:3000/: an AWS Lambda handler that streams its answer, word by word */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { setTimeout as pause } from 'node:timers/promises';

const STORY = `A mayfly lives for a day, and is not sad about it. It comes when the evening is warm, does the one thing
it came for, and is gone before anybody could send it a bill. There are always more mayflies.`;

export const handler = awslambda.streamifyResponse<APIGatewayProxyEventV2>(async (_event, responseStream) => {
  const stream = awslambda.HttpResponseStream.from(responseStream, {
    statusCode: 200,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'access-control-allow-origin': '*', // the demo's page asks from another host name
      'access-control-expose-headers': '*',
    },
  });
  for (const word of STORY.split(/\s+/)) {
    stream.write(`${word} `);
    await pause(60);
  }
  stream.end('\n');
});
