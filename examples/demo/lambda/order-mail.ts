/* An AWS Lambda handler behind a queue: sends e-mails. One that fails is tried again, without those that were sent. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const { messageId, body, attributes } of event.Records) {
    try {
      const { to, subject } = JSON.parse(body);
      // A real shop would call its provider here. This one has a customer whose mailbox is full at first.
      if (to.startsWith('full@') && Number(attributes.ApproximateReceiveCount) < 2) {
        throw new Error('the mailbox is full');
      }
      console.log(`mail to ${to}: ${subject}`);
    } catch (error) {
      console.warn(`mail ${messageId} not sent`, error);
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}
