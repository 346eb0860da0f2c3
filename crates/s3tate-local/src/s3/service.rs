//! Which function serves which operation.

#[allow(clippy::wildcard_imports, reason = "inputs and outputs of all operations")]
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::{
    acl, attributes, buckets, complete, configs, copy, delete, get, list, parts, put, tagging, uploads,
};
use crate::store::Store;

/// The operations of S3 over the object database.
#[derive(Debug)]
pub(super) struct Objects {
    store: Store,
}

impl Objects {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }
}

/// One line an operation, by the module that serves it: what the function takes, its name, and the types.
///
/// A function takes the whole request where it needs headers or the signature's region, and the input alone otherwise.
macro_rules! operations {
    ($($module:ident { $($takes:ident $name:ident($input:ident) -> $output:ident;)* })*) => {
        #[async_trait::async_trait]
        impl S3 for Objects {
            $($(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                $module::$name(&self.store, operations!(@$takes request)).await.map(S3Response::new)
            })*)*
        }
    };
    (@request $request:ident) => { $request };
    (@input $request:ident) => { $request.input };
}

operations! {
    buckets {
        request create_bucket(CreateBucketInput) -> CreateBucketOutput;
        input delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
        input head_bucket(HeadBucketInput) -> HeadBucketOutput;
        input list_buckets(ListBucketsInput) -> ListBucketsOutput;
        input get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
        input get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput;
        input put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput;
    }
    put {
        request put_object(PutObjectInput) -> PutObjectOutput;
    }
    get {
        request get_object(GetObjectInput) -> GetObjectOutput;
        request head_object(HeadObjectInput) -> HeadObjectOutput;
    }
    delete {
        request delete_object(DeleteObjectInput) -> DeleteObjectOutput;
        request delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    }
    list {
        input list_objects(ListObjectsInput) -> ListObjectsOutput;
        input list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
        input list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput;
    }
    copy {
        request copy_object(CopyObjectInput) -> CopyObjectOutput;
    }
    uploads {
        request create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
        input abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
        input list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput;
    }
    parts {
        request upload_part(UploadPartInput) -> UploadPartOutput;
        request upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
        input list_parts(ListPartsInput) -> ListPartsOutput;
    }
    complete {
        request complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    }
    attributes {
        request get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput;
    }
    tagging {
        input get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput;
        input put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput;
        input delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput;
    }
    acl {
        input get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput;
        input put_bucket_acl(PutBucketAclInput) -> PutBucketAclOutput;
        input get_object_acl(GetObjectAclInput) -> GetObjectAclOutput;
        input put_object_acl(PutObjectAclInput) -> PutObjectAclOutput;
        input get_bucket_ownership_controls(GetBucketOwnershipControlsInput)
            -> GetBucketOwnershipControlsOutput;
    }
    configs {
        input get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput;
        input put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput;
        input delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput;
        input get_bucket_policy_status(GetBucketPolicyStatusInput) -> GetBucketPolicyStatusOutput;
        input get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput;
        input put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput;
        input delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput;
        input get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput;
        input put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput;
        input delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput;
        input get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
            -> GetBucketLifecycleConfigurationOutput;
        input put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput)
            -> PutBucketLifecycleConfigurationOutput;
        input delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput;
        input get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput;
        input put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput;
        input delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput;
        input get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput;
        input put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput;
        input delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput;
    }
}
