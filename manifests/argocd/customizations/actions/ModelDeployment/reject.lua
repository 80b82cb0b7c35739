-- Roll the canary back as it is now: its revision is named, so a later one is never meant.
local canary = obj.status and obj.status.canary
if not canary then
  error("There is no canary to reject.")
end
obj.spec.rollout = obj.spec.rollout or {}
obj.spec.rollout.reject = canary.revision
if obj.spec.rollout.promote == canary.revision then
  obj.spec.rollout.promote = nil
end
return obj
