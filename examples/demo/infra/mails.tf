# E-mails wait in a queue; what cannot be sent after five tries is kept in another.

resource "aws_sqs_queue" "mails" {
  name                       = "order-mails"
  visibility_timeout_seconds = 30

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.unsent_mails.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "unsent_mails" {
  name = "order-mails-unsent"
}

resource "aws_lambda_function" "order_mail" {
  function_name    = "order-mail"
  filename         = data.archive_file.lambda.output_path
  source_code_hash = data.archive_file.lambda.output_base64sha256
  role             = aws_iam_role.lambda.arn
  handler          = "order-mail.handler"
  runtime          = "nodejs24.x"
  timeout          = 5
}

resource "aws_lambda_event_source_mapping" "mails" {
  event_source_arn        = aws_sqs_queue.mails.arn
  function_name           = aws_lambda_function.order_mail.arn
  function_response_types = ["ReportBatchItemFailures"]
}
