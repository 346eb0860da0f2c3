terraform {
  backend "s3" {
    bucket         = "mybucket"
    key            = "path/to/my/key"
    region         = "us-east-1"
    dynamodb_table = "locks"
    encrypt        = true
    max_retries    = 3
    assume_role = {
      role_arn    = "arn:aws:iam::123456789012:role/r"
      policy_arns = ["arn:aws:iam::aws:policy/p"]
      tags        = { a = "b" }
    }
    endpoints = { s3 = "http://127.0.0.1:9000", dynamodb = "http://127.0.0.1:8000" }
    allowed_account_ids = ["123456789012"]
    key_heredoc = <<-EOT
      a
      b
    EOT
  }
}
# values
name = "x"
