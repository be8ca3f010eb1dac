// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {AIRiskOracle} from "../../contracts/AIRiskOracle.sol";
import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {AcceptedApprovals} from "../../contracts/approval/AcceptedApprovals.sol";
import {ApprovalRegistry} from "../../contracts/approval/ApprovalRegistry.sol";
import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {IAcceptedIssuers} from "../../contracts/interfaces/IAcceptedIssuers.sol";
import {IApprovalRegistry} from "../../contracts/interfaces/IApprovalRegistry.sol";
import {IIssuerRegistry} from "../../contracts/interfaces/IIssuerRegistry.sol";
import {ILendingDesk} from "../../contracts/interfaces/ILendingDesk.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IPriceFeed} from "../../contracts/interfaces/IPriceFeed.sol";
import {AcceptedIssuers} from "../../contracts/issuers/AcceptedIssuers.sol";
import {IssuerRegistry} from "../../contracts/issuers/IssuerRegistry.sol";
import {SmartLending} from "../../contracts/lending/SmartLending.sol";
import {TokenLender} from "../../contracts/lending/TokenLender.sol";
import {Vm} from "./Vm.sol";

/// @title The contracts as they are built for deployment: what is tested is what is deployed, to the byte
/// @notice `new` in a test would compile them once more for each test contract, with the test's settings.
library Built {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function modelRegistry(address manager, uint32 timelock) internal returns (ModelRegistry) {
        return ModelRegistry(_create("contracts/ModelRegistry.sol:ModelRegistry", abi.encode(manager, timelock)));
    }

    /// @param arguments those of the constructor, encoded
    function oracle(bytes memory arguments) internal returns (AIRiskOracle) {
        return AIRiskOracle(_create("contracts/AIRiskOracle.sol:AIRiskOracle", arguments));
    }

    function issuerRegistry(address manager) internal returns (IssuerRegistry) {
        return IssuerRegistry(_create("contracts/issuers/IssuerRegistry.sol:IssuerRegistry", abi.encode(manager)));
    }

    function acceptedIssuers(address manager, IIssuerRegistry registry) internal returns (AcceptedIssuers) {
        bytes memory arguments = abi.encode(manager, registry);
        return AcceptedIssuers(_create("contracts/issuers/AcceptedIssuers.sol:AcceptedIssuers", arguments));
    }

    function approvalRegistry(address manager) internal returns (ApprovalRegistry) {
        return
            ApprovalRegistry(_create("contracts/approval/ApprovalRegistry.sol:ApprovalRegistry", abi.encode(manager)));
    }

    function acceptedApprovals(
        address manager,
        IIssuerRegistry registry,
        IApprovalRegistry approvals
    ) internal returns (AcceptedApprovals) {
        bytes memory arguments = abi.encode(manager, registry, approvals);
        return AcceptedApprovals(_create("contracts/approval/AcceptedApprovals.sol:AcceptedApprovals", arguments));
    }

    function smartLending(
        address manager,
        IAIRiskOracle oracle_,
        IAcceptedIssuers accepted,
        ILendingDesk.Policy memory policy
    ) internal returns (SmartLending) {
        bytes memory arguments = abi.encode(manager, oracle_, accepted, policy);
        return SmartLending(payable(_create("contracts/lending/SmartLending.sol:SmartLending", arguments)));
    }

    function tokenLender(
        address manager,
        IAIRiskOracle oracle_,
        IAcceptedIssuers accepted,
        ILendingDesk.Policy memory policy,
        IERC20 token,
        IPriceFeed feed,
        uint16 liquidationLtv,
        uint32 maximumPriceAge
    ) internal returns (TokenLender) {
        bytes memory lender = abi.encode(
            manager,
            oracle_,
            accepted,
            policy,
            token,
            feed,
            liquidationLtv,
            maximumPriceAge
        );
        return TokenLender(payable(_create("contracts/lending/TokenLender.sol:TokenLender", lender)));
    }

    function _create(string memory name, bytes memory arguments) private returns (address created) {
        bytes memory code = bytes.concat(vm.getCode(name), arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
            if iszero(created) {
                let reason := mload(0x40)
                returndatacopy(reason, 0, returndatasize())
                revert(reason, returndatasize())
            }
        }
    }
}
