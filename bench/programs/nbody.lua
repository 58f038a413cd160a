-- Floating point in an interpreter: a ring of bodies under gravity.
local n, bodies = 6, {}
for i = 1, n do
    local a = 2 * math.pi * i / n
    bodies[i] = {x = math.cos(a), y = math.sin(a), u = -math.sin(a), v = math.cos(a)}
end
for _ = 1, 12000 do
    for i = 1, n do
        local a = bodies[i]
        for j = 1, n do
            if i ~= j then
                local b = bodies[j]
                local dx, dy = b.x - a.x, b.y - a.y
                local d2 = dx * dx + dy * dy + 0.01
                local f = 0.001 / (d2 * math.sqrt(d2))
                a.u, a.v = a.u + f * dx, a.v + f * dy
            end
        end
    end
    for i = 1, n do
        local a = bodies[i]
        a.x, a.y = a.x + 0.001 * a.u, a.y + 0.001 * a.v
    end
end
print(string.format("%.9f %.9f", bodies[1].x, bodies[n].y))
