variable "name" {
  default = "dev"
  sensitive = true
}
locals {
  key = "${var.name}/s-${upper("a")}"
  all = [for k, v in { a = 1, b = 2 } : "${k}=${v}" if v > 1]
}
data "terraform_remote_state" "network" {
  backend   = "s3"
  workspace = terraform.workspace
  config = {
    bucket = "b"
    key    = local.key
    region = var.name == "dev" ? "eu-west-1" : "us-east-1"
  }
  defaults = { a = [1, 2.5e3, null], b = merge({}, { c = true }) }
}
data "terraform_remote_state" "old" {
  backend     = "local"
  environment = "e"
  config {
    path = "x.tfstate"
  }
  defaults {
    a = "1"
  }
}
terraform {
  backend "s3" {
    bucket = var.name
    key    = local.key
    region = "%{ if true }r%{ endif }"
  }
}
# values
name = "eu"
