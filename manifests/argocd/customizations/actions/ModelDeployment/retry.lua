-- Try a revision that was rolled back once more: any token that was not used yet does. A rejection would win over it.
local os = require("os")
obj.spec.rollout = obj.spec.rollout or {}
obj.spec.rollout.retry = os.date("!%Y-%m-%dT%H:%M:%SZ")
obj.spec.rollout.reject = nil
return obj
