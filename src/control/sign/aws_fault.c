/* How the services tell what is wrong with a signature.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_sign.h"

#define FOREIGN_TEXT                                                                               \
    "Everybody knows the key " AWS_ROOT_KEY ", so web pages of other sites may not use it: serve " \
    "the page from localhost, and ask for localhost; or sign with the credentials of a function"

/* clang-format off */
static const struct aws_fault_answer answers_s3[AWS_FAULT_COUNT] = {
    [AWS_FAULT_SKEWED] = { 403, "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large." },
    [AWS_FAULT_EXPIRED] = { 403, "AccessDenied", "Request has expired" },
    [AWS_FAULT_NOT_YET] = { 403, "AccessDenied", "Request is not yet valid" },
    [AWS_FAULT_UNKNOWN_KEY] = { 403, "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records." },
    [AWS_FAULT_MISMATCH] = { 403, "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method." },
    [AWS_FAULT_NOT_SIGNED] = { 403, "AccessDenied",
        "There were headers present in the request which were not signed" },
    [AWS_FAULT_VERSION_2] = { 400, "InvalidRequest",
        "The authorization mechanism you have provided is not supported. "
        "Please use AWS4-HMAC-SHA256." },
    [AWS_FAULT_INCOMPLETE_V2] = { 403, "AccessDenied",
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
        "parameters" },
    [AWS_FAULT_UNSUPPORTED] = { 400, "InvalidArgument", "Unsupported Authorization Type" },
    [AWS_FAULT_TWICE] = { 400, "InvalidArgument",
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
        "query string parameter or the Authorization header should be specified" },
    [AWS_FAULT_MALFORMED_HEADER] = { 400, "AuthorizationHeaderMalformed",
        "The authorization header is malformed" },
    [AWS_FAULT_MALFORMED_QUERY] = { 400, "AuthorizationQueryParametersError", NULL },
    [AWS_FAULT_BAD_EXPIRES] = { 403, "AuthorizationQueryParametersError", NULL },
    [AWS_FAULT_BAD_DATE] = { 403, "AccessDenied",
        "AWS authentication requires a valid Date or x-amz-date header" },
    [AWS_FAULT_NO_CONTENT_SHA256] = { 400, "InvalidRequest",
        "Missing required header for this request: x-amz-content-sha256" },
    [AWS_FAULT_BAD_CONTENT_SHA256] = { 400, "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER "
        "or a valid sha256 value." },
    [AWS_FAULT_FOREIGN_PAGE] = { 403, "AccessDenied", FOREIGN_TEXT },
};

#define MISMATCH_TEXT                                                                              \
    "The request signature we calculated does not match the signature you provided. Check your "   \
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
#define TOKEN_TEXT "The security token included in the request is invalid."
#define EXPIRED_TEXT "Signature expired: the date of the request is too far from the server's."
#define INCOMPLETE_TEXT "Authorization header requires 'Credential', 'SignedHeaders', 'Signature' "\
    "and a date."

static const struct aws_fault_answer answers_json[AWS_FAULT_COUNT] = {
    [AWS_FAULT_SKEWED]      = { 403, "InvalidSignatureException", EXPIRED_TEXT },
    [AWS_FAULT_EXPIRED]     = { 403, "InvalidSignatureException", EXPIRED_TEXT },
    [AWS_FAULT_NOT_YET]     = { 403, "InvalidSignatureException", EXPIRED_TEXT },
    [AWS_FAULT_UNKNOWN_KEY] = { 403, "UnrecognizedClientException", TOKEN_TEXT },
    [AWS_FAULT_MISMATCH]    = { 403, "InvalidSignatureException", MISMATCH_TEXT },
    [AWS_FAULT_FOREIGN_PAGE] = { 403, "AccessDeniedException", FOREIGN_TEXT },
};
static const struct aws_fault_answer answers_query[AWS_FAULT_COUNT] = {
    [AWS_FAULT_SKEWED]      = { 403, "SignatureDoesNotMatch", EXPIRED_TEXT },
    [AWS_FAULT_EXPIRED]     = { 403, "SignatureDoesNotMatch", EXPIRED_TEXT },
    [AWS_FAULT_NOT_YET]     = { 403, "SignatureDoesNotMatch", EXPIRED_TEXT },
    [AWS_FAULT_UNKNOWN_KEY] = { 403, "InvalidClientTokenId", TOKEN_TEXT },
    [AWS_FAULT_MISMATCH]    = { 403, "SignatureDoesNotMatch", MISMATCH_TEXT },
    [AWS_FAULT_FOREIGN_PAGE] = { 403, "AccessDenied", FOREIGN_TEXT },
};
/* clang-format on */

struct aws_fault_answer aws_fault_answer(enum aws_fault fault, enum aws_protocol protocol)
{
    if (protocol == AWS_PROTOCOL_S3) {
        return answers_s3[fault];
    }
    bool is_json = protocol == AWS_PROTOCOL_JSON;
    struct aws_fault_answer answer = is_json ? answers_json[fault] : answers_query[fault];
    if (!answer.code) {
        answer = (struct aws_fault_answer){
            400, is_json ? "IncompleteSignatureException" : "IncompleteSignature", INCOMPLETE_TEXT
        };
    }
    return answer;
}
