-- Health of TrainingRun, ModelVersion and ModelDeployment, by docs/gitops.md: one script, because all kinds say it the
-- same way (docs/conditions.md). Argo CD gives `obj` and, of Lua's libraries, only base and table: no string, no math.

-- These wait for a person, not for time.
local suspended = {
  AwaitingPromotion = true,
  Paused = true,
  TimeCapReached = true,
  NotApproved = true,
  Rejected = true,
}

local status = obj.status or {}
local condition = {}
for _, each in ipairs(status.conditions or {}) do
  condition[each.type] = each
end

local function says(health, found)
  return { status = health, message = found.message or found.reason or "" }
end

local observed = tonumber(status.observedGeneration or 0)
if observed < tonumber(obj.metadata.generation or 0) then
  return { status = "Progressing", message = "The operator has not looked at the latest change yet." }
end

local stalled, reconciling = condition.Stalled, condition.Reconciling
if stalled and stalled.status == "True" then
  return says("Degraded", stalled)
end
if reconciling and reconciling.status == "True" then
  return says(suspended[reconciling.reason] and "Suspended" or "Progressing", reconciling)
end

-- A bounded kind is done when it succeeded, the others are well as long as they are ready.
local main = condition.Succeeded or condition.Ready
if not main then
  return { status = "Progressing", message = "The operator has not said anything yet." }
end
if main.status == "True" then
  return says("Healthy", main)
end
return says(suspended[main.reason] and "Suspended" or "Progressing", main)
