/* E-mails are sent by lambda/order-mail.ts, from a queue: whoever orders does not wait for them. */
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

const QUEUE = 'order-mails'; // infra/mails.tf
const sqs = new SQSClient({ region: 'us-east-1' });
let url: string | undefined;

export interface Mail {
  to: string;
  subject: string;
  text: string;
}

export async function sendLater(mail: Mail): Promise<void> {
  url ??= (await sqs.send(new GetQueueUrlCommand({ QueueName: QUEUE }))).QueueUrl;
  await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: JSON.stringify(mail) }));
}
