# Uploads become thumbnails. mayfly.json says that they are tried again soon: AWS waits a minute, then two.

resource "aws_s3_bucket" "photos" {
  bucket = "tea-shop-photos"
}

resource "aws_lambda_function" "thumbnail" {
  function_name    = "thumbnail"
  filename         = data.archive_file.lambda.output_path
  source_code_hash = data.archive_file.lambda.output_base64sha256
  role             = aws_iam_role.lambda.arn
  handler          = "thumbnail.handler"
  runtime          = "nodejs24.x"
  timeout          = 30
  memory_size      = 512
}

resource "aws_s3_bucket_notification" "photos" {
  bucket = aws_s3_bucket.photos.id

  lambda_function {
    lambda_function_arn = aws_lambda_function.thumbnail.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "uploads/"
  }
}
