#!/bin/sh
# Announces the end of a build to eks-nightshift. Needs the AWS CLI, and credentials that may send this one event.
#
#   NIGHTSHIFT_BUILD  `project` of the build in nightshift.config.ts: api-develop
#   BUILD_STATUS      SUCCEEDED or FAILED
#   BUILD_RUN         an id of this run, another one for each attempt
#   BUILD_NUMBER      counts up from 1
#   BUILD_COMMIT      the full commit id
#   BUILD_REF         refs/heads/<branch>; another branch than the bound one is refused
#   IMAGE_TAG         optional: the tag or the digest that was pushed, for `tag: { exported: 'IMAGE_TAG' }`
set -eu

detail='{"status":"'$BUILD_STATUS'","run":"'$BUILD_RUN'","number":'$BUILD_NUMBER',"commit":"'$BUILD_COMMIT'","branch":"'$BUILD_REF'"'
if [ -n "${IMAGE_TAG:-}" ]; then detail=$detail',"exported":{"IMAGE_TAG":"'$IMAGE_TAG'"}'; fi
detail=$detail'}'

# The command succeeds also where the event was refused.
failed=$(aws events put-events --query FailedEntryCount --output text \
  --entries "Source=nightshift.build,DetailType=$NIGHTSHIFT_BUILD,Detail='$detail'")
if [ "$failed" != 0 ]; then
  echo "the build was not announced" >&2
  exit 1
fi
