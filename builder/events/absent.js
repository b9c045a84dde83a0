/* Resources that bring events at AWS and that Mayfly does not run: they are told, so that nobody waits for what does not come. */
import { andMore } from '../diagnostics.js';
import { tellWarning } from './found.js';

export const NO_TOPICS = 'topics (SNS) are not available here: use a queue or a function';
const NO_PIPES = 'pipes (EventBridge Pipes) are not available here: have an event source mapping, or a function that passes on what it gets';
const NO_STATES = 'state machines (Step Functions) are not available here';
const NO_GRAPHQL = 'APIs of AppSync do not run here: invoke their functions with the events that they would get';
const NO_STREAMS = 'delivery streams (Firehose) are not available here';

/** By type, in CloudFormation and in Terraform. */
export const ABSENT = {
  'AWS::AppSync::Api': NO_GRAPHQL,
  'AWS::AppSync::GraphQLApi': NO_GRAPHQL,
  'AWS::KinesisFirehose::DeliveryStream': NO_STREAMS,
  'AWS::Pipes::Pipe': NO_PIPES,
  'AWS::SNS::Subscription': NO_TOPICS,
  'AWS::StepFunctions::StateMachine': NO_STATES,
  'AWS::Serverless::GraphQLApi': NO_GRAPHQL,
  'AWS::Serverless::StateMachine': NO_STATES,
  aws_appsync_api: NO_GRAPHQL,
  aws_appsync_graphql_api: NO_GRAPHQL,
  aws_kinesis_firehose_delivery_stream: NO_STREAMS,
  aws_pipes_pipe: NO_PIPES,
  aws_sns_topic_subscription: NO_TOPICS,
  aws_sfn_state_machine: NO_STATES,
};

/** Services whose events come here, or that are told otherwise; the network of a CDN calls functions by their URLs. */
const OTHERS = ['apigateway', 'cloudfront', 'edgelambda', 'events', 'pipes', 's3', 'scheduler', 'sqs', 'states'];
const SERVICE = /^([\w-]+)\.(?:[\w-]+\.)*(?:amazonaws|amazon)\.com(?:\.cn)?$/;

/** What is told of one file at its end: names of resources by what is said of them. */
export class Absences {
  #named = new Map();
  #invokers = new Map();

  /** @param {string} why @param {string} name of what it is said of */
  add(why, name) {
    this.#named.set(why, [...new Set([...this.#named.get(why) ?? [], name])]);
  }

  addKind(kind, name) {
    this.add(`events of this kind (${kind}) do not come by themselves here: invoke the function with one`, name);
  }

  /** A permission says which service invokes a function, as of a topic with subscriptions of its own, a rule of IoT or a log group. */
  addInvoker(principal, name) {
    const service = SERVICE.exec(String(principal))?.[1];
    if (service && !OTHERS.includes(service)) {
      this.#invokers.set(service, [...this.#invokers.get(service) ?? [], name]);
    }
  }

  /** What a permission says of a service of which something has been told is no news. */
  tell(diagnostics, file) {
    const said = [...this.#named.keys()].join().toLowerCase();
    for (const [service, names] of this.#invokers) {
      said.includes(`(${service})`) || names.forEach((name) => this.addKind(service, name));
    }
    this.#named.forEach((names, why) => tellWarning(diagnostics, { file, what: andMore(names) }, why));
  }
}
