/* Resources that bring events at AWS and that Mayfly does not run: they are told, so that nobody waits for what does not come. */

export const NO_TOPICS = 'topics (SNS) are not available here: use a queue or a function';
const NO_PIPES = 'pipes (EventBridge Pipes) are not available here: have an event source mapping, or a function that passes on what it gets';
const NO_STATES = 'state machines (Step Functions) are not available here';

/** By type, in CloudFormation and in Terraform. */
export const ABSENT = {
  'AWS::Pipes::Pipe': NO_PIPES,
  'AWS::SNS::Subscription': NO_TOPICS,
  'AWS::StepFunctions::StateMachine': NO_STATES,
  'AWS::Serverless::StateMachine': NO_STATES,
  aws_pipes_pipe: NO_PIPES,
  aws_sns_topic_subscription: NO_TOPICS,
  aws_sfn_state_machine: NO_STATES,
};
