-- Calls and tables: Fibonacci numbers by recursion, then a sieve.
local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
end
print(fib(29))
local sieve, count = {}, 0
for i = 2, 500000 do
    if not sieve[i] then
        count = count + 1
        for j = i * i, 500000, i do sieve[j] = true end
    end
end
print(count)
