# Reads the outputs of ../dynamodb-table, as another configuration would.
#
#   s3tate remote-state                 # what it reads, without init and without Terraform
#   terraform init && terraform apply   # the same through Terraform

data "terraform_remote_state" "network" {
  backend = "s3"

  config = {
    bucket = "mybucket"
    key    = "path/to/my/key"
    region = "us-east-1"
  }
}

output "seen_address" {
  value = data.terraform_remote_state.network.outputs.address
}
