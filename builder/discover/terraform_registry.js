/* Modules of the registry that people have their functions made by, as the resources that they make: only what matters
 * here of each, in the form that hcl2json gives files. The inputs and outputs are those of the modules' own documentation. */
import { EVENT_MODULES } from './terraform_registry_events.js';

const withDefaults = (defaults) => Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, [{ default: value }]]));
const outputs = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [{ value }]]));

function moduleOf({ inputs, resource, given = {} }) {
  return { variable: withDefaults(inputs), locals: given.locals ?? {}, resource, data: {}, module: {}, output: outputs(given.outputs ?? {}), origin: {}, given: {} };
}

/** @param {string} file of the call, which is what people have of it */
export function registryModule(source, file) {
  const blocks = REGISTRY.get(source);
  const origin = Object.entries(blocks.resource).flatMap(([type, named]) => Object.keys(named).map((name) => [`resource.${type}.${name}`, file]));
  return { ...blocks, origin: Object.fromEntries(origin) };
}

const LAMBDA = moduleOf({
  inputs: {
    function_name: '', handler: 'index.handler', runtime: null, timeout: 3, memory_size: 128, ephemeral_storage_size: 512,
    environment_variables: {}, source_path: null, package_type: 'Zip', publish: false, reserved_concurrent_executions: -1,
    create: true, create_function: true, create_layer: false, create_lambda_function_url: false, authorization_type: 'NONE', cors: {},
    layer_name: '', layers: null, event_source_mapping: {}, create_async_event_config: false, maximum_event_age_in_seconds: null,
    maximum_retry_attempts: null, destination_on_failure: null, destination_on_success: null, dead_letter_target_arn: null,
    invoke_mode: null, logging_log_format: 'Text', logging_application_log_level: 'INFO',
  },
  resource: {
    aws_lambda_function: { this: [{
      count: '${var.create && var.create_function && !var.create_layer ? 1 : 0}', layers: '${var.layers}',
      dynamic: { dead_letter_config: [{ for_each: '${var.dead_letter_target_arn == null ? [] : [true]}', content: [{ target_arn: '${var.dead_letter_target_arn}' }] }] },
      function_name: '${var.function_name}', handler: '${var.handler}', runtime: '${var.runtime}', timeout: '${var.timeout}',
      memory_size: '${var.memory_size}', package_type: '${var.package_type}', publish: '${var.publish}', source_dir: '${var.source_path}',
      reserved_concurrent_executions: '${var.reserved_concurrent_executions}',
      environment: [{ variables: '${var.environment_variables}' }], ephemeral_storage: [{ size: '${var.ephemeral_storage_size}' }],
      logging_config: [{ log_format: '${var.logging_log_format}', application_log_level: '${var.logging_application_log_level}' }],
    }] },
    aws_lambda_layer_version: { this: [{
      count: '${var.create && var.create_layer ? 1 : 0}', layer_name: '${var.layer_name}', source_dir: '${var.source_path}',
    }] },
    aws_lambda_event_source_mapping: { this: [{
      for_each: '${var.create && var.create_function && !var.create_layer ? var.event_source_mapping : {}}',
      function_name: '${aws_lambda_function.this[0].arn}', event_source_arn: '${try(each.value.event_source_arn, null)}',
      enabled: '${try(each.value.enabled, null)}', batch_size: '${try(each.value.batch_size, null)}',
      maximum_batching_window_in_seconds: '${try(each.value.maximum_batching_window_in_seconds, null)}',
      function_response_types: '${try(each.value.function_response_types, null)}', dynamic: {
        scaling_config: [{ for_each: '${try(each.value.scaling_config, null) == null ? [] : [each.value.scaling_config]}', content: [{ maximum_concurrency: '${scaling_config.value.maximum_concurrency}' }] }],
        filter_criteria: [{ for_each: '${try(each.value.filter_criteria, null) == null ? [] : [each.value.filter_criteria]}', content: [{ filter: '${flatten([filter_criteria.value])}' }] }],
      },
    }] },
    aws_lambda_function_event_invoke_config: { this: [{
      count: '${var.create && var.create_function && !var.create_layer && var.create_async_event_config ? 1 : 0}',
      function_name: '${aws_lambda_function.this[0].function_name}', maximum_event_age_in_seconds: '${var.maximum_event_age_in_seconds}',
      maximum_retry_attempts: '${var.maximum_retry_attempts}', destination_config: [{
        on_failure: '${var.destination_on_failure == null ? [] : [{ destination = var.destination_on_failure }]}',
        on_success: '${var.destination_on_success == null ? [] : [{ destination = var.destination_on_success }]}',
      }],
    }] },
    aws_lambda_function_url: { this: [{
      count: '${var.create_lambda_function_url ? 1 : 0}',
      function_name: '${aws_lambda_function.this[0].function_name}', authorization_type: '${var.authorization_type}',
      invoke_mode: '${var.invoke_mode}', dynamic: { cors: [{ for_each: '${length(keys(var.cors)) == 0 ? [] : [var.cors]}', content: [{
        allow_credentials: '${try(cors.value.allow_credentials, null)}', allow_headers: '${try(cors.value.allow_headers, null)}',
        allow_methods: '${try(cors.value.allow_methods, null)}', allow_origins: '${try(cors.value.allow_origins, null)}',
        expose_headers: '${try(cors.value.expose_headers, null)}', max_age: '${try(cors.value.max_age, null)}',
      }] }] },
    }] },
  },
  given: { outputs: {
    lambda_function_arn: '${aws_lambda_function.this[0].arn}', lambda_function_name: '${aws_lambda_function.this[0].function_name}',
    lambda_function_invoke_arn: '${aws_lambda_function.this[0].arn}', lambda_function_qualified_arn: '${aws_lambda_function.this[0].arn}',
    lambda_layer_arn: '${aws_lambda_layer_version.this[0].arn}', lambda_layer_layer_arn: '${aws_lambda_layer_version.this[0].arn}',
    lambda_function_url: '${try(aws_lambda_function_url.this[0].function_url, "")}',
  } },
});

const HTTP_API = moduleOf({
  inputs: { name: '', routes: {}, integrations: {}, cors_configuration: {} },
  resource: {
    aws_apigatewayv2_api: { this: [{ name: '${var.name}', protocol_type: 'HTTP', dynamic: { cors_configuration: [{
      for_each: '${length(keys(var.cors_configuration)) == 0 ? [] : [var.cors_configuration]}',
      content: [{
        allow_headers: '${try(cors_configuration.value.allow_headers, null)}', allow_methods: '${try(cors_configuration.value.allow_methods, null)}',
        allow_origins: '${try(cors_configuration.value.allow_origins, null)}', max_age: '${try(cors_configuration.value.max_age, null)}',
      }],
    }] } }] },
    aws_apigatewayv2_integration: { this: [{
      for_each: '${merge(var.routes, var.integrations)}', api_id: '${aws_apigatewayv2_api.this.id}',
      integration_type: '${try(each.value.integration.type, each.value.integration_type, "AWS_PROXY")}',
      integration_subtype: '${try(each.value.integration.subtype, each.value.integration_subtype, null)}',
      integration_uri: '${try(each.value.integration.uri, each.value.lambda_arn, each.value.integration_uri, null)}',
      connection_type: '${try(each.value.integration.connection_type, each.value.connection_type, null)}',
      request_parameters: '${try(each.value.integration.request_parameters, jsondecode(each.value.request_parameters), each.value.request_parameters, null)}',
      payload_format_version: '${try(each.value.integration.payload_format_version, each.value.payload_format_version, "2.0")}',
    }] },
    aws_apigatewayv2_route: { this: [{
      for_each: '${merge(var.routes, var.integrations)}', api_id: '${aws_apigatewayv2_api.this.id}', route_key: '${each.key}',
      target: 'integrations/${aws_apigatewayv2_integration.this[each.key].id}',
    }] },
  },
  given: { outputs: { api_id: '${aws_apigatewayv2_api.this.id}', api_endpoint: '${aws_apigatewayv2_api.this.api_endpoint}' } },
});

export const REGISTRY = new Map([
  ['terraform-aws-modules/lambda/aws', LAMBDA],
  ['terraform-aws-modules/apigateway-v2/aws', HTTP_API],
  ...EVENT_MODULES.map(([source, module]) => [source, moduleOf(module)]),
]);
