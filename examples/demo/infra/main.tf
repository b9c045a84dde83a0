# Two AWS Lambda functions with function URLs. Mayfly reads this file as it is: each answers at
# http://<function_name>.localhost:<port>/

data "archive_file" "lambda" {
  type        = "zip"
  source_dir  = "${path.module}/../lambda"
  output_path = "${path.module}/lambda.zip"
}

resource "aws_iam_role" "lambda" {
  name = "tea-shop-lambda"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Action = "sts:AssumeRole", Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_lambda_function" "shipping" {
  function_name    = "shipping"
  filename         = data.archive_file.lambda.output_path
  source_code_hash = data.archive_file.lambda.output_base64sha256
  role             = aws_iam_role.lambda.arn
  handler          = "shipping.handler"
  runtime          = "nodejs24.x"
  timeout          = 5
  memory_size      = 256

  environment {
    variables = {
      FREE_FROM_GRAMS = "5000"
    }
  }
}

resource "aws_lambda_function_url" "shipping" {
  function_name      = aws_lambda_function.shipping.function_name
  authorization_type = "NONE"
}

resource "aws_lambda_function" "story" {
  function_name    = "story"
  filename         = data.archive_file.lambda.output_path
  source_code_hash = data.archive_file.lambda.output_base64sha256
  role             = aws_iam_role.lambda.arn
  handler          = "story.handler"
  runtime          = "nodejs24.x"
  timeout          = 30
  memory_size      = 256
}

resource "aws_lambda_function_url" "story" {
  function_name      = aws_lambda_function.story.function_name
  authorization_type = "NONE"
  invoke_mode        = "RESPONSE_STREAM"
}
