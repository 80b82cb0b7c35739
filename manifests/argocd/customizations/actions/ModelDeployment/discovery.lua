-- Which actions make sense now. Argo CD gives `obj` and, of Lua's libraries, only base and table.
local spec, status = obj.spec or {}, obj.status or {}
local rollout, canary = spec.rollout or {}, status.canary

local rolled_back = false
for _, each in ipairs(status.conditions or {}) do
  if each.type == "Stalled" and each.status == "True" and each.reason == "RolledBack" then
    rolled_back = true
  end
end

return {
  promote = { disabled = not (canary and rollout.promote ~= canary.revision) },
  reject = { disabled = not (canary and rollout.reject ~= canary.revision) },
  retry = { disabled = not rolled_back },
  pause = { disabled = spec.paused == true },
  resume = { disabled = spec.paused ~= true },
}
