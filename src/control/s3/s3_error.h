/* S3's errors: codes, statuses and texts as S3 has them.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* name, code, status, text */
#define S3_ERRORS(X)                                                                               \
    X(ACCESS_DENIED, "AccessDenied", 403, "Access Denied")                                         \
    X(ACL_NOT_SUPPORTED, "AccessControlListNotSupported", 400, "The bucket does not allow ACLs")   \
    X(ACL_WITH_OWNERSHIP, "InvalidBucketAclWithObjectOwnership", 400,                              \
      "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")            \
    X(BAD_DIGEST, "BadDigest", 400,                                                                \
      "The Content-MD5 or checksum value that you specified did not match what the server "        \
      "received.")                                                                                 \
    X(BAD_REQUEST, "BadRequest", 400, "Insufficient information. Origin request header needed.")   \
    X(TOO_MANY_BUCKET_TAGS, "BadRequest", 400, "Bucket tag count cannot be greater than 50")       \
    X(BAD_MD5, "BadDigest", 400, "The Content-MD5 you specified did not match what we received.")  \
    X(BUCKET_EXISTS, "BucketAlreadyExists", 409,                                                   \
      "The requested bucket name is not available. The bucket namespace is shared by all users "   \
      "of the system. Please select a different name and try again.")                              \
    X(BUCKET_YOURS, "BucketAlreadyOwnedByYou", 409,                                                \
      "Your previous request to create the named bucket succeeded and you already own it.")        \
    X(BUCKET_NOT_EMPTY, "BucketNotEmpty", 409, "The bucket you tried to delete is not empty")      \
    X(BUCKET_NOT_EMPTY_OF_VERSIONS, "BucketNotEmpty", 409,                                         \
      "The bucket you tried to delete is not empty. You must delete all versions in the bucket.")  \
    X(CONDITION_CONFLICT, "ConditionalRequestConflict", 409,                                       \
      "The conditional request cannot succeed due to a conflicting operation against this "        \
      "resource.")                                                                                 \
    X(CORS_FORBIDDEN, "AccessForbidden", 403,                                                      \
      "CORSResponse: This CORS request is not allowed. This is usually because the evalution of "  \
      "Origin, request method / Access-Control-Request-Method or "                                 \
      "Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.")           \
    X(CORS_NO_BUCKET, "AccessForbidden", 403, "CORSResponse: Bucket not found")                    \
    X(CORS_NOT_ENABLED, "AccessForbidden", 403,                                                    \
      "CORSResponse: CORS is not enabled for this bucket.")                                        \
    X(ENTITY_TOO_LARGE, "EntityTooLarge", 400,                                                     \
      "Your proposed upload exceeds the maximum allowed size")                                     \
    X(ENTITY_TOO_SMALL, "EntityTooSmall", 400,                                                     \
      "Your proposed upload is smaller than the minimum allowed size")                             \
    X(ILLEGAL_VERSIONING, "IllegalVersioningConfigurationException", 400,                          \
      "The Versioning element must be specified")                                                  \
    X(INCOMPLETE_BODY, "IncompleteBody", 400, "The request body terminated unexpectedly")          \
    X(INCORRECT_POST, "IncorrectNumberOfFilesInPostRequest", 400,                                  \
      "POST requires exactly one file upload per request.")                                        \
    X(INTERNAL, "InternalError", 500, "We encountered an internal error. Please try again.")       \
    X(INVALID_ACCESS_KEY, "InvalidAccessKeyId", 403,                                               \
      "The AWS Access Key Id you provided does not exist in our records.")                         \
    X(INVALID_ACL, "InvalidArgument", 400, "Invalid canned ACL")                                   \
    X(INVALID_ARGUMENT, "InvalidArgument", 400, "Invalid Argument")                                \
    X(INVALID_ACCOUNT, "InvalidBucketOwnerAWSAccountID", 400,                                      \
      "The value of the expected bucket owner parameter must be an AWS Account ID")                \
    X(INVALID_BUCKET_NAME, "InvalidBucketName", 400, "The specified bucket is not valid.")         \
    X(INVALID_BUCKET_STATE, "InvalidBucketState", 409,                                             \
      "The request is not valid with the current state of the bucket.")                            \
    X(INVALID_DIGEST, "InvalidDigest", 400, "The Content-MD5 you specified was invalid.")          \
    X(INVALID_ENCRYPTION, "InvalidEncryptionAlgorithmError", 400,                                  \
      "The Encryption request you specified is not valid. Supported value: AES256.")               \
    X(ILLEGAL_LOCATION, "IllegalLocationConstraintException", 400,                                 \
      "The location constraint is incompatible for the region specific endpoint this request was " \
      "sent to.")                                                                                  \
    X(INVALID_LOCATION, "InvalidLocationConstraint", 400,                                          \
      "The specified location-constraint is not valid")                                            \
    X(INVALID_OBJECT_STATE, "InvalidObjectState", 403,                                             \
      "Restore is not allowed for the object's current storage class")                             \
    X(INVALID_PART, "InvalidPart", 400,                                                            \
      "One or more of the specified parts could not be found.  The part may not have been "        \
      "uploaded, or the specified entity tag may not match the part's entity tag.")                \
    X(INVALID_PART_ORDER, "InvalidPartOrder", 400,                                                 \
      "The list of parts was not in ascending order. Parts must be ordered by part number.")       \
    X(INVALID_POLICY_DOCUMENT, "InvalidPolicyDocument", 400,                                       \
      "The content of the form does not meet the conditions specified in the policy document.")    \
    X(INVALID_RANGE, "InvalidRange", 416, "The requested range is not satisfiable")                \
    X(INVALID_REDIRECT_LOCATION, "InvalidRedirectLocation", 400,                                   \
      "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")       \
    X(INVALID_REQUEST, "InvalidRequest", 400, "Invalid Request")                                   \
    X(INVALID_RETENTION, "InvalidRetentionPeriod", 400,                                            \
      "Retention period must be a positive integer value.")                                        \
    X(INVALID_STORAGE_CLASS, "InvalidStorageClass", 400,                                           \
      "The storage class you specified is not valid")                                              \
    X(INVALID_TAG, "InvalidTag", 400, "The tag provided was not a valid tag.")                     \
    X(CROSS_LOCATION_LOGGING, "CrossLocationLoggingProhibitted", 403,                              \
      "Cross S3 location logging not allowed. ")                                                   \
    X(INVALID_TARGET_BUCKET, "InvalidTargetBucketForLogging", 400,                                 \
      "The target bucket for logging does not exist, is not owned by you, or does not have the "   \
      "appropriate grants for the log-delivery group.")                                            \
    X(INVALID_URI, "InvalidURI", 400, "Couldn't parse the specified URI.")                         \
    X(KEY_TOO_LONG, "KeyTooLongError", 400, "Your key is too long")                                \
    X(MALFORMED_ACL, "MalformedACLError", 400,                                                     \
      "The XML you provided was not well-formed or did not validate against our published schema") \
    X(MALFORMED_POLICY, "MalformedPolicy", 400, "Policies must be valid JSON")                     \
    X(MALFORMED_POST, "MalformedPOSTRequest", 400,                                                 \
      "The body of your POST request is not well-formed multipart/form-data.")                     \
    X(MALFORMED_XML, "MalformedXML", 400,                                                          \
      "The XML you provided was not well-formed or did not validate against our published schema") \
    X(MISSING_BODY, "MissingRequestBodyError", 400, "Request Body is empty")                       \
    X(MISSING_SECURITY_HEADER, "MissingSecurityHeader", 400,                                       \
      "Your request was missing a required header")                                                \
    X(MAX_POST_PRE_DATA, "MaxPostPreDataLengthExceeded", 400,                                      \
      "Your POST request fields preceeding the upload file was too large.")                        \
    X(METADATA_TOO_LARGE, "MetadataTooLarge", 400,                                                 \
      "Your metadata headers exceed the maximum allowed metadata size")                            \
    X(METHOD_NOT_ALLOWED, "MethodNotAllowed", 405,                                                 \
      "The specified method is not allowed against this resource.")                                \
    X(MISSING_CONTENT_LENGTH, "MissingContentLength", 411,                                         \
      "You must provide the Content-Length HTTP header.")                                          \
    X(NO_SUCH_BUCKET, "NoSuchBucket", 404, "The specified bucket does not exist")                  \
    X(NO_SUCH_BUCKET_POLICY, "NoSuchBucketPolicy", 404, "The bucket policy does not exist")        \
    X(NO_SUCH_CORS, "NoSuchCORSConfiguration", 404, "The CORS configuration does not exist")       \
    X(NO_SUCH_ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError", 404,                   \
      "The server side encryption configuration was not found")                                    \
    X(NO_SUCH_KEY, "NoSuchKey", 404, "The specified key does not exist.")                          \
    X(NO_SUCH_LIFECYCLE, "NoSuchLifecycleConfiguration", 404,                                      \
      "The lifecycle configuration does not exist")                                                \
    X(NO_SUCH_LOCK_CONFIGURATION, "ObjectLockConfigurationNotFoundError", 404,                     \
      "Object Lock configuration does not exist for this bucket")                                  \
    X(NO_SUCH_OBJECT_LOCK, "NoSuchObjectLockConfiguration", 404,                                   \
      "The specified object does not have a ObjectLock configuration")                             \
    X(NO_SUCH_OWNERSHIP, "OwnershipControlsNotFoundError", 404,                                    \
      "The bucket ownership controls were not found")                                              \
    X(NO_SUCH_PUBLIC_BLOCK, "NoSuchPublicAccessBlockConfiguration", 404,                           \
      "The public access block configuration was not found")                                       \
    X(NO_SUCH_REPLICATION, "ReplicationConfigurationNotFoundError", 404,                           \
      "The replication configuration was not found")                                               \
    X(NO_SUCH_TAG_SET, "NoSuchTagSet", 404, "The TagSet does not exist")                           \
    X(NO_SUCH_UPLOAD, "NoSuchUpload", 404,                                                         \
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have " \
      "been aborted or completed.")                                                                \
    X(NO_SUCH_VERSION, "NoSuchVersion", 404, "The specified version does not exist.")              \
    X(NO_SUCH_WEBSITE, "NoSuchWebsiteConfiguration", 404,                                          \
      "The specified bucket does not have a website configuration")                                \
    X(NOT_IMPLEMENTED, "NotImplemented", 501,                                                      \
      "A header or query you provided implies functionality that is not implemented")              \
    X(NOT_MODIFIED, "NotModified", 304, "Not Modified")                                            \
    X(OBJECT_LOCKED, "AccessDenied", 403,                                                          \
      "Access Denied because object protected by object lock.")                                    \
    X(PRECONDITION_FAILED, "PreconditionFailed", 412,                                              \
      "At least one of the pre-conditions you specified did not hold")                             \
    X(SHA256_MISMATCH, "XAmzContentSHA256Mismatch", 400,                                           \
      "The provided 'x-amz-content-sha256' header does not match what was computed.")              \
    X(SIGNATURE_MISMATCH, "SignatureDoesNotMatch", 403,                                            \
      "The request signature we calculated does not match the signature you provided. Check your " \
      "key and signing method.")                                                                   \
    X(STORAGE_FULL, "InsufficientStorage", 507,                                                    \
      "There is not enough room on the disk to store this. What is stored stays readable; free "   \
      "some space and try again.")                                                                 \
    X(UNRESOLVABLE_GRANT, "UnresolvableGrantByEmailAddress", 400,                                  \
      "The e-mail address you provided does not match any account on record.")                     \
    X(UNEXPECTED_CONTENT, "UnexpectedContent", 400, "This request does not support content")

enum s3_error {
    S3_OK,
#define X(name, code, status, text) S3_##name,
    S3_ERRORS(X)
#undef X
        S3_ERROR_COUNT
};

struct s3_error_text {
    const char *code;
    unsigned status;
    const char *text;
};
const struct s3_error_text *s3_error_text(enum s3_error error);

/* What a job of the store has failed with: negative errno, or an error that its check has refused
 * with, as s3_error_refuse() makes it. */
enum s3_error s3_error_of(int result);
static inline int s3_error_refuse(enum s3_error error)
{
    return -4096 - (int)error; /* errno ends at 4095 */
}
