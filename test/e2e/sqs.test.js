/* SQS by AWS's own client, which checks the digests of what it sends and receives. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  AddPermissionCommand,
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  RemovePermissionCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { changeDatabase, clients, fillQueues, lookAtDatabase, WHERE } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';

const FILES = {
  'api/where.js': WHERE,
  'main.tf': 'resource "aws_sqs_queue" "project" {\n  name = "project"\n}\n',
};

async function start(t) {
  const platform = await startPlatform(t, { files: FILES });
  const { sqs } = await clients(t, platform);
  const queue = async (QueueName, Attributes) => (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl;
  const receive = async (QueueUrl, more = {}) =>
    (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
  const send = (QueueUrl, MessageBody, more = {}) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
  const attributes = async (QueueUrl, ...AttributeNames) =>
    (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))).Attributes ?? {};
  return { platform, sqs, queue, receive, send, attributes };
}

const bodies = (messages) => messages.map((message) => message.Body);

/** The error's name in both protocols, and its text. */
async function refused(promise) {
  const error = await promise.then(() => assert.fail('it was not refused'), (e) => e);
  return [error.name, error.message];
}

test('a message comes with all that was sent with it, and what is known of it', async (t) => {
  const { queue, send, receive } = await start(t);
  const url = await queue('q');
  const sent = await send(url, 'Grüße ☕', {
    MessageAttributes: {
      text: { DataType: 'String.x', StringValue: 'ä' }, number: { DataType: 'Number', StringValue: '1.50' },
      bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255, 7) },
    },
    MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1-2-3' } },
    MessageGroupId: 'fair',
  });
  assert.match(sent.MD5OfMessageSystemAttributes, /^[0-9a-f]{32}$/);
  const [got] = await receive(url, { MessageAttributeNames: ['b.*', 'number'], MessageSystemAttributeNames: ['All'] });
  assert.equal(got.Body, 'Grüße ☕');
  assert.equal(got.MessageId, sent.MessageId);
  assert.deepEqual(Object.keys(got.MessageAttributes).sort(), ['bytes', 'number']);
  assert.deepEqual([...got.MessageAttributes.bytes.BinaryValue], [0, 255, 7]);
  assert.equal(got.Attributes.AWSTraceHeader, 'Root=1-2-3');
  assert.equal(got.Attributes.MessageGroupId, 'fair');
  assert.equal(got.Attributes.ApproximateReceiveCount, '1');
});

test('what was received comes again after its time, or earlier, or never', async (t) => {
  const { sqs, queue, send, receive } = await start(t);
  const url = await queue('q');
  await send(url, 'a');
  const [first] = await receive(url, { VisibilityTimeout: 0 });
  const [second] = await receive(url);
  assert.equal(second.MessageId, first.MessageId);
  assert.deepEqual(await receive(url), []);
  const handle = { QueueUrl: url, ReceiptHandle: second.ReceiptHandle };
  await sqs.send(new ChangeMessageVisibilityCommand({ ...handle, VisibilityTimeout: 0 }));
  const [third] = await receive(url, { AttributeNames: ['ApproximateReceiveCount'] });
  assert.equal(third.Attributes.ApproximateReceiveCount, '3');
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: third.ReceiptHandle }));
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: third.ReceiptHandle })); /* twice is fine */
  assert.deepEqual(await refused(sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: third.ReceiptHandle, VisibilityTimeout: 1 }))), [
    'InvalidParameterValue',
    `Value ${third.ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
  ]);
  const other = await queue('other');
  assert.equal((await refused(sqs.send(new DeleteMessageCommand({ QueueUrl: other, ReceiptHandle: 'bm9uZQ==' }))))[0], 'ReceiptHandleIsInvalid');
});

test('a message is hidden for twelve hours at most from when it was received', async (t) => {
  const { sqs, queue, send, receive } = await start(t);
  const QueueUrl = await queue('q');
  await send(QueueUrl, 'a');
  const [{ ReceiptHandle }] = await receive(QueueUrl, { VisibilityTimeout: 43_200 });
  const received = Date.now();
  await eventually(() => Date.now() > received + 1);
  const words = 'Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]';
  const hide = (VisibilityTimeout) => sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
  assert.deepEqual(await refused(hide(43_200)), ['InvalidParameterValue', words]);
  const { Successful, Failed } = await sqs.send(new ChangeMessageVisibilityBatchCommand({
    QueueUrl, Entries: [43_200, 30_000].map((VisibilityTimeout) => ({ Id: `of${VisibilityTimeout}`, ReceiptHandle, VisibilityTimeout })),
  }));
  assert.deepEqual(Successful.map(({ Id }) => Id), ['of30000']);
  assert.deepEqual(Failed, [{ Id: 'of43200', SenderFault: true, Code: 'InvalidParameterValue', Message: words }]);
  await hide(0);
  const [again] = await receive(QueueUrl); /* the twelve hours begin anew */
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: again.ReceiptHandle, VisibilityTimeout: 40_000 }));
});

test('a FIFO queue hands out group by group, and knows what it has seen', async (t) => {
  const { sqs, queue, send, receive } = await start(t);
  const url = await queue('q.fifo', { FifoQueue: 'True', ContentBasedDeduplication: 'true' });
  const put = (body, group) => send(url, body, { MessageGroupId: group });
  const first = await put('a1', 'a');
  assert.equal((await put('a1', 'a')).MessageId, first.MessageId);
  await put('b1', 'b');
  await put('a2', 'a');
  const taken = await receive(url, { MaxNumberOfMessages: 2 });
  assert.deepEqual(bodies(taken), ['a1', 'a2']);
  await put('a3', 'a');
  assert.deepEqual(bodies(await receive(url)), ['b1']);
  await sqs.send(new DeleteMessageBatchCommand({
    QueueUrl: url, Entries: taken.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle })),
  }));
  const [a3] = await receive(url, { VisibilityTimeout: 0 });
  assert.equal(a3.Body, 'a3');
  assert.deepEqual(await refused(sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: a3.ReceiptHandle }))), [
    'InvalidParameterValue',
    `Value ${a3.ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
  ]);
  assert.deepEqual(await refused(send(url, 'x')), ['MissingParameter', 'The request must contain the parameter MessageGroupId.']);
  await sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
  await put('a1', 'a'); /* a new one: what was seen is forgotten too */
  assert.deepEqual(bodies(await receive(url)), ['a1']);
  assert.equal((await refused(sqs.send(new PurgeQueueCommand({ QueueUrl: url }))))[0], 'PurgeQueueInProgress');
});

test('a duplicate has the id of the message that was kept, when that is deleted or a dead letter, too', async (t) => {
  const { sqs, queue, send, receive, attributes } = await start(t);
  const fifo = { FifoQueue: 'true', VisibilityTimeout: '0' };
  const { QueueArn } = await attributes(await queue('dead.fifo', fifo), 'QueueArn');
  const url = await queue('q.fifo', { ...fifo, RedrivePolicy: JSON.stringify({ deadLetterTargetArn: QueueArn, maxReceiveCount: 1 }) });
  const put = async (id) => {
    const { MessageId, SequenceNumber } = await send(url, id, { MessageGroupId: 'g', MessageDeduplicationId: id });
    return { MessageId, SequenceNumber };
  };
  const deleted = await put('deleted');
  const [{ ReceiptHandle }] = await receive(url, { VisibilityTimeout: 600 });
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
  assert.deepEqual(await put('deleted'), deleted);
  const dead = await put('dead');
  assert.deepEqual(bodies(await receive(url)), ['dead']);
  assert.deepEqual(await receive(url), []);
  assert.deepEqual(await put('dead'), dead);
  assert.deepEqual(await receive(url), []);
});

test('deduplication by group lets another group send the same', async (t) => {
  const { queue, send, receive } = await start(t);
  const url = await queue('q.fifo', { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' });
  for (const group of ['a', 'b', 'a']) {
    await send(url, group, { MessageGroupId: group, MessageDeduplicationId: 'same' });
  }
  assert.deepEqual(bodies(await receive(url)), ['a', 'b']);
});

test('what fails too often is a dead letter, which a task moves back', async (t) => {
  const { sqs, queue, send, receive, attributes } = await start(t);
  const dead = await queue('dead');
  const { QueueArn } = await attributes(dead, 'QueueArn');
  const url = await queue('q', { VisibilityTimeout: '0', RedrivePolicy: JSON.stringify({ deadLetterTargetArn: QueueArn, maxReceiveCount: 1 }) });
  await send(url, 'a');
  assert.deepEqual(bodies(await receive(url)), ['a']);
  assert.deepEqual(await receive(url), []);
  const [letter] = await receive(dead, { AttributeNames: ['All'], VisibilityTimeout: 0 });
  assert.equal(letter.Attributes.DeadLetterQueueSourceArn, 'arn:aws:sqs:us-east-1:000000000000:q');
  assert.equal(letter.Attributes.ApproximateReceiveCount, '2');
  const { TaskHandle } = await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: QueueArn }));
  assert.equal(JSON.parse(Buffer.from(TaskHandle, 'base64')).sourceArn, QueueArn);
  const [back] = await receive(url, { WaitTimeSeconds: 20, VisibilityTimeout: 30 });
  assert.equal(back.Body, 'a');
  assert.notEqual(back.MessageId, letter.MessageId);
  const task = await eventually(async () => {
    const { Results } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn: QueueArn }));
    return Results[0].Status === 'COMPLETED' && Results[0];
  }, 'the task is not over');
  assert.equal(task.ApproximateNumberOfMessagesMoved, 1);
  assert.deepEqual(await refused(sqs.send(new StartMessageMoveTaskCommand({ SourceArn: 'arn:aws:sqs:us-east-1:000000000000:q' }))), [
    'InvalidParameterValue', 'Source queue must be configured as a Dead Letter Queue.',
  ]);
});

test('a batch is answered entry by entry, or refused as a whole', async (t) => {
  const { sqs, queue, receive } = await start(t);
  const url = await queue('q', { MaximumMessageSize: '1024' });
  const batch = (Entries) => sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
  const { Successful, Failed } = await batch([
    { Id: 'fine', MessageBody: 'a' }, { Id: 'long', MessageBody: 'x'.repeat(1025) }, { Id: 'odd', MessageBody: '\u0001' },
  ]);
  assert.deepEqual(Successful.map(({ Id }) => Id), ['fine']);
  assert.deepEqual(Failed, [
    { Id: 'long', SenderFault: true, Code: 'InvalidParameterValue', Message: 'One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.' },
    { Id: 'odd', SenderFault: true, Code: 'InvalidMessageContents', Message: Failed[1].Message },
  ]);
  assert.equal((await refused(batch([{ Id: 'a', MessageBody: 'a' }, { Id: 'a', MessageBody: 'b' }])))[0], 'BatchEntryIdsNotDistinct');
  assert.equal((await refused(batch([{ Id: 'a', MessageBody: 'x'.repeat(600_000) }, { Id: 'b', MessageBody: 'x'.repeat(600_000) }])))[0], 'BatchRequestTooLong');
  assert.deepEqual(bodies(await receive(url)), ['a']);
});

test('a long poll is answered by what is sent meanwhile, or the end of its queue', async (t) => {
  const { sqs, queue, send, receive } = await start(t);
  const url = await queue('q');
  const polls = [receive(url, { WaitTimeSeconds: 20 }), receive(url, { WaitTimeSeconds: 20 })];
  const began = Date.now();
  await send(url, 'a');
  assert.deepEqual(bodies(await Promise.race(polls)), ['a']);
  await sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
  const ends = await Promise.allSettled(polls);
  assert.deepEqual(ends.map((end) => end.reason?.name).filter(Boolean), ['QueueDoesNotExist']);
  assert.ok(Date.now() - began < 20_000, 'it was answered by its time only');
  assert.deepEqual(await refused(queue('q')), [
    'QueueDeletedRecently', 'You must wait 60 seconds after deleting a queue before you can create another with the same name.',
  ]);
  await queue('other');
});

test('attributes are checked and kept', async (t) => {
  const { sqs, queue, attributes } = await start(t);
  const url = await queue('q', { VisibilityTimeout: '5' });
  assert.equal(await queue('q', { VisibilityTimeout: '5', DelaySeconds: '0' }), url);
  assert.deepEqual(await refused(queue('q', { VisibilityTimeout: '6' })), [
    'QueueNameExists', 'A queue already exists with the same name and a different value for attribute VisibilityTimeout',
  ]);
  const set = (Attributes) => sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
  assert.deepEqual(await refused(set({ FifoQueue: 'true' })), ['InvalidAttributeName', 'Unknown Attribute FifoQueue.']);
  assert.equal((await refused(set({ DelaySeconds: '901' })))[0], 'InvalidAttributeValue');
  assert.equal((await refused(set({ RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none","maxReceiveCount":1}' })))[0],
    'InvalidParameterValue');
  await sqs.send(new AddPermissionCommand({ QueueUrl: url, Label: 'one', AWSAccountIds: ['111111111111'], Actions: ['SendMessage'] }));
  assert.deepEqual(JSON.parse((await attributes(url, 'Policy')).Policy).Statement, [{
    Sid: 'one', Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111111111111:root' }, Action: 'SQS:SendMessage',
    Resource: 'arn:aws:sqs:us-east-1:000000000000:q',
  }]);
  const allow = (Action, Label = 'two') =>
    refused(sqs.send(new AddPermissionCommand({ QueueUrl: url, Label, AWSAccountIds: ['111111111111'], Actions: ['SendMessage', Action] })));
  const invalid = (action, reason) => ['InvalidParameterValue', `Value SQS:${action} for parameter ActionName is invalid. Reason: ${reason}`];
  assert.deepEqual(await allow('TagQueue'), invalid('TagQueue', 'Only the queue owner is allowed to invoke this action.'));
  assert.deepEqual(await allow('SendMessageBatch'), invalid('SendMessageBatch', 'Please refer to the appropriate WSDL for a list of valid actions. '));
  assert.deepEqual(await allow('DeleteMessage', ''), ['MissingParameter', 'The request must contain the parameter Label.']);
  await sqs.send(new RemovePermissionCommand({ QueueUrl: url, Label: 'one' }));
  assert.deepEqual(await attributes(url, 'Policy'), {});
});

test('how often a message may be received is told as a number, also where it was given as text', async (t) => {
  const { sqs, queue, attributes } = await start(t);
  const QueueUrl = await queue('dead');
  const deadLetterTargetArn = (await attributes(QueueUrl, 'QueueArn')).QueueArn;
  const asText = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: '4' });
  const asNumber = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 4 });
  const url = await queue('q', { RedrivePolicy: asText });
  assert.equal((await attributes(url, 'RedrivePolicy')).RedrivePolicy, asNumber);
  assert.equal(await queue('q', { RedrivePolicy: asNumber }), url, 'it has the same attributes');
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { RedrivePolicy: asText.replace('4', '5') } }));
  assert.equal((await attributes(url, 'RedrivePolicy')).RedrivePolicy, asNumber.replace(':4', ':5'));
});

test('what is set on a queue at once is all kept', async (t) => {
  const { sqs, queue, attributes } = await start(t);
  const url = await queue('q');
  const send = (Command, input) => sqs.send(new Command({ QueueUrl: url, ...input }));
  await Promise.all([
    send(SetQueueAttributesCommand, { Attributes: { VisibilityTimeout: '7' } }),
    send(TagQueueCommand, { Tags: { team: 'a' } }),
    send(AddPermissionCommand, { Label: 'one', AWSAccountIds: ['111111111111'], Actions: ['SendMessage'] }),
    send(AddPermissionCommand, { Label: 'two', AWSAccountIds: ['111111111111'], Actions: ['SendMessage'] }),
    send(SetQueueAttributesCommand, { Attributes: { DelaySeconds: '3' } }),
    send(TagQueueCommand, { Tags: { stage: 'b' } }),
  ]);
  const { Policy, VisibilityTimeout, DelaySeconds } = await attributes(url, 'All');
  assert.deepEqual(JSON.parse(Policy).Statement.map(({ Sid }) => Sid).sort(), ['one', 'two']);
  assert.deepEqual([VisibilityTimeout, DelaySeconds], ['7', '3']);
  await send(UntagQueueCommand, { TagKeys: ['none'] });
  assert.deepEqual((await send(ListQueueTagsCommand, {})).Tags, { team: 'a', stage: 'b' });
});

test('one of two that create a queue at once with other attributes is refused', async (t) => {
  const { sqs } = await start(t);
  const create = (VisibilityTimeout) => sqs.send(new CreateQueueCommand({ QueueName: 'q', Attributes: { VisibilityTimeout } }));
  const results = await Promise.allSettled([create('7'), create('8')]);
  const errors = results.filter(({ reason }) => reason);
  assert.deepEqual(errors.map(({ reason }) => reason.name), ['QueueNameExists']);
});

test('a policy of one statement that is no list keeps it', async (t) => {
  const { sqs, queue, attributes } = await start(t);
  const Statement = { Sid: 'own', Effect: 'Allow', Principal: '*', Action: 'SQS:SendMessage', Resource: '*' };
  const url = await queue('q', { Policy: JSON.stringify({ Version: '2012-10-17', Statement }) });
  const labels = async () => JSON.parse((await attributes(url, 'Policy')).Policy).Statement.map(({ Sid }) => Sid);
  await sqs.send(new AddPermissionCommand({ QueueUrl: url, Label: 'more', AWSAccountIds: ['111111111111'], Actions: ['SendMessage'] }));
  assert.deepEqual(await labels(), ['own', 'more']);
  await sqs.send(new RemovePermissionCommand({ QueueUrl: url, Label: 'own' }));
  assert.deepEqual(await labels(), ['more']);
});

test('what is not as the documents say is refused in their words', async (t) => {
  const { platform, sqs, queue, send, receive } = await start(t);
  const url = await queue('q');
  const invalid = 'InvalidParameterValue';
  const attribute = (name, DataType, StringValue) => send(url, 'a', { MessageAttributes: { [name]: { DataType, StringValue } } });
  assert.equal((await refused(attribute('a..b', 'String', 'x')))[0], invalid);
  assert.equal((await refused(attribute('a', 'Number', '1e127')))[0], invalid);
  await attribute('a', 'Number', '-1e126');
  const trace = (value) => send(url, 'a', { MessageSystemAttributes: { AWSTraceHeader: value } });
  assert.equal((await refused(trace({ DataType: 'Number', StringValue: '1' })))[0], invalid);
  assert.deepEqual(await refused(receive(url, { MessageSystemAttributeNames: ['Foo'] })), ['InvalidAttributeName', 'Unknown Attribute Foo.']);
  assert.deepEqual(await refused(sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: [] }))),
    ['EmptyBatchRequest', 'There should be at least one DeleteMessageBatchRequestEntry in the request.']);
  assert.equal((await refused(queue('both', { KmsMasterKeyId: 'k', SqsManagedSseEnabled: 'true' })))[0], 'InvalidAttributeName');
  const policy = JSON.stringify({ deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:q', maxReceiveCount: 1, more: 1 });
  assert.match((await refused(queue('r', { RedrivePolicy: policy })))[1], /Only following attributes are supported: \[deadLetterTargetArn, maxReceiveCount\]/);
  assert.equal((await refused(sqs.send(new GetQueueUrlCommand({ QueueName: 'q', QueueOwnerAWSAccountId: '111122223333' }))))[0], 'QueueDoesNotExist');
  assert.equal((await refused(sqs.send(new AddPermissionCommand({ QueueUrl: url, Label: 'x', AWSAccountIds: ['111111111111'], Actions: ['DeleteQueue'] }))))[0], invalid);
  assert.equal((await refused(send(url, 'a', { DelaySeconds: 1.5 })))[0], 'SerializationException');
  assert.equal((await refused(send(url, 'a', { DelaySeconds: 'soon' })))[0], 'SerializationException');
  const Entries = [{ Id: '1', MessageBody: 'a', DelaySeconds: 1e99 }];
  assert.equal((await refused(sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))))[0], 'SerializationException');
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${platform.aws.credentials.accessKeyId}/${date.slice(0, 8)}/us-east-1/sqs/aws4_request`; /* whose service it is */
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
  const answer = await fetch(platform.aws.endpoint, { method: 'POST', headers: { authorization, 'x-amz-date': date, 'x-amz-target': 'AmazonSQS.ListQueues' }, body: '{"a' });
  assert.deepEqual([answer.status, (await answer.json()).__type], [400, 'com.amazonaws.sqs#SerializationException']);
  assert.equal((await refused(receive(url, { MaxNumberOfMessages: '1' })))[0], 'SerializationException');
  assert.equal((await refused(receive(url, { MessageAttributeNames: ['All', 1] })))[0], 'SerializationException');
  assert.equal((await refused(sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [{ Id: 'a', MessageBody: 5 }] }))))[0], 'SerializationException');
});

test('queues are listed in pages, and a token that was never given out is refused', async (t) => {
  const { sqs, queue } = await start(t);
  const deadLetterTargetArn = 'arn:aws:sqs:us-east-1:000000000000:dead', QueueUrl = await queue('dead');
  for (const name of ['p-1', 'p-2', 'p-3']) {
    await queue(name, { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }) });
  }
  const list = (NextToken) => sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'p-', MaxResults: 2, NextToken }));
  const sources = (NextToken) => sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl, MaxResults: 2, NextToken }));
  const names = (urls) => urls.map((url) => url.split('/').at(-1));
  const [first, of] = [await list(), await sources()];
  assert.deepEqual([names(first.QueueUrls), names(of.queueUrls)], [['p-1', 'p-2'], ['p-1', 'p-2']]);
  assert.deepEqual(names((await list(first.NextToken)).QueueUrls), ['p-3']);
  assert.deepEqual(names((await sources(of.NextToken)).queueUrls), ['p-3']);
  for (const token of ['p-1', 'nonsense', Buffer.from('p-1').toString('base64')]) {
    assert.equal((await refused(list(token)))[0], 'InvalidParameterValue');
    assert.equal((await refused(sources(token)))[0], 'InvalidParameterValue');
  }
});

test('tags of a queue have bounds, and what is over them changes nothing', async (t) => {
  const { sqs, queue } = await start(t);
  const QueueUrl = await queue('q');
  const tag = (Tags) => sqs.send(new TagQueueCommand({ QueueUrl, Tags }));
  const many = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));
  await tag(many(50));
  assert.deepEqual(await refused(tag({ another: 'v' })), ['InvalidParameterValue', 'Too many tags added for queue q.']);
  for (const Tags of [{ ['k'.repeat(129)]: 'v' }, { k0: 'v'.repeat(257) }, { 'aws:k': 'v' }]) {
    assert.equal((await refused(tag(Tags)))[0], 'InvalidParameterValue');
  }
  assert.deepEqual((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, many(50));
  assert.equal((await refused(sqs.send(new CreateQueueCommand({ QueueName: 'new', tags: many(51) }))))[0], 'InvalidParameterValue');
});

test('an attempt of a FIFO queue that is made again gets the same messages, until they change', async (t) => {
  const { sqs, queue, send, receive } = await start(t);
  const url = await queue('q.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true', VisibilityTimeout: '600' });
  for (const body of ['1', '2', '3']) {
    await send(url, body, { MessageGroupId: 'g' });
  }
  const attempt = (ReceiveRequestAttemptId, more = {}) => receive(url, { ReceiveRequestAttemptId, MaxNumberOfMessages: 2, ...more });
  const first = await attempt('a');
  assert.deepEqual(bodies(first), ['1', '2']);
  assert.deepEqual(await attempt('a'), first);
  assert.deepEqual(await attempt('b'), []);
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first[0].ReceiptHandle }));
  assert.deepEqual(await attempt('a'), []);
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: first[1].ReceiptHandle, VisibilityTimeout: 0 }));
  assert.deepEqual(bodies(await attempt('a')), ['2', '3']);
  assert.equal((await refused(attempt('a b')))[0], 'InvalidParameterValue');
  const standard = await queue('q');
  assert.match((await refused(receive(standard, { ReceiveRequestAttemptId: 'a' })))[1], /not valid for this queue type/);
});

test('a message whose dead-letter queue is gone is handed out as before', async (t) => {
  const { sqs, queue, attributes, send, receive } = await start(t);
  const dead = await queue('dead');
  const { QueueArn: deadLetterTargetArn } = await attributes(dead, 'QueueArn');
  const url = await queue('q', { VisibilityTimeout: '0', RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }) });
  await send(url, 'kept');
  assert.deepEqual(bodies(await receive(url)), ['kept']);
  await sqs.send(new DeleteQueueCommand({ QueueUrl: dead }));
  assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 2 })), ['kept']);
});

test('dead letters go to another queue of their kind, or nowhere', async (t) => {
  const { sqs, queue, attributes } = await start(t);
  const arnOf = async (url) => (await attributes(url, 'QueueArn')).QueueArn;
  const SourceArn = await arnOf(await queue('dead'));
  await queue('q', { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: SourceArn, maxReceiveCount: 1 }) });
  const ordered = await arnOf(await queue('other.fifo', { FifoQueue: 'true' }));
  for (const DestinationArn of [SourceArn, ordered]) { /* a task without an end; messages that nobody would be given */
    const [name, text] = await refused(sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn })));
    assert.equal(name, 'InvalidParameterValue');
    assert.match(text, /DestinationArn is invalid/);
  }
  assert.deepEqual((await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }))).Results ?? [], []);
});

test("right after a crash the project's queues are there", async (t) => {
  const { platform, queue, send, receive } = await start(t);
  const url = (await queue('q')).replace(/q$/, 'project');
  await send(url, 'kept');
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  const [message] = await receive(url, { WaitTimeSeconds: 20 });
  assert.equal(message.Body, 'kept');
});

test('what is older than its queue keeps messages is had by nobody', async (t) => {
  const { platform, sqs, queue, send, receive, attributes } = await start(t);
  const QueueUrl = await queue('q');
  await send(QueueUrl, 'a');
  const [{ ReceiptHandle }] = await receive(QueueUrl);
  await send(QueueUrl, 'b');
  await changeDatabase(platform, (database) => {
    database.exec('UPDATE messages SET sent_ms = sent_ms - 5 * 86400000, due_ms = CASE attempts WHEN 0 THEN due_ms - 5 * 86400000 ELSE due_ms END');
  });
  await send(QueueUrl, 'c');
  const change = sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  assert.match((await refused(change))[1], /Message does not exist or is not available for visibility timeout change/);
  assert.equal((await attributes(QueueUrl, 'ApproximateNumberOfMessages')).ApproximateNumberOfMessages, '1');
  assert.deepEqual(bodies(await receive(QueueUrl)), ['c']);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })); /* it is gone: fine */
});

/** How many messages the database has, whoever may find them. */
function stored(platform) {
  try {
    return lookAtDatabase(platform, (database) => database.prepare('SELECT count(*) AS count FROM messages').get().count);
  } catch (error) {
    return error; /* it was written to meanwhile */
  }
}

test('a long queue that is deleted or purged is empty at once, and after a crash in the middle', async (t) => {
  const { platform, sqs, queue, send, receive } = await start(t);
  const deleted = await queue('deleted');
  const purged = await queue('purged');
  await fillQueues(platform, ['deleted', 'purged'], 100_000);
  assert.deepEqual(bodies(await receive(deleted, { MaxNumberOfMessages: 1 })), ['old']);
  await sqs.send(new PurgeQueueCommand({ QueueUrl: purged }));
  await sqs.send(new DeleteQueueCommand({ QueueUrl: deleted }));
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  const gone = await sqs.send(new GetQueueUrlCommand({ QueueName: 'deleted' })).then(() => 'there', ({ name }) => name);
  assert.match(gone, /NonExistentQueue|QueueDoesNotExist/);
  for (const url of [purged, await queue('deleted')]) {
    assert.deepEqual(await receive(url), []);
    await send(url, 'new');
    assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 20 })), ['new']);
  }
  await eventually(() => stored(platform) === 2, () => `${stored(platform)} messages are stored`);
});
