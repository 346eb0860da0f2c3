# The same configuration with the table's present name.
terraform {
  backend "s3" {
    bucket         = "mybucket"
    key            = "path/to/my/key"
    region         = "us-east-1"
    dynamodb_table = "terraform-locks"
  }
}

output "address" {
  value = "10.0.0.1"
}
