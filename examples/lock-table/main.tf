# The configuration of Terraform 0.9's documentation, with the table's old name.
terraform {
  backend "s3" {
    bucket     = "mybucket"
    key        = "path/to/my/key"
    region     = "us-east-1"
    lock_table = "terraform-locks"
  }
}

output "address" {
  value = "10.0.0.1"
}
